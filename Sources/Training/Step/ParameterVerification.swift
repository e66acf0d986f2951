import CLockstepHashing
import LockstepCommunication
import LockstepTensors

/// Compares what the hosts of a job hold: each has one copy of the parameters, and all must be the same.
///
/// Ranks of a host share the work of hashing its copy, before an update, when all ranks have read it. The
/// hashes travel with the exchange of the slices. Parameters that are not trained are compared with
/// themselves as they were at the first look, too: so one host alone notices when they change.
///
/// What only one rank holds, the state of the optimiser for its slice, can not be compared.
final class ParameterVerification {
  private let replica: Replica
  private let communicator: any Communicator
  private let every: Int
  /// Of each block that is not trained and that this rank hashes, at the first look.
  private var frozenHashes: [Int: UInt64] = [:]

  private static let blockCount = 1 << 16

  /// - Parameter every: Steps; nil comes of 0, and where there is nothing to compare.
  init?(of replica: Replica, every: Int, communicator: any Communicator) {
    let isFrozenInPart = replica.shared.values.count > replica.shared.trained.count
    guard every > 0, communicator.topology.hostCount > 1 || isFrozenInPart else { return nil }
    self.replica = replica
    self.communicator = communicator
    self.every = every
  }

  /// What this rank has to tell at the end of a step: the hash of its blocks of the parameters and, one
  /// up, the first block that should not have changed. Nothing where no comparison is due.
  func words(step: Int) -> [UInt64] {
    guard step.isMultiple(of: every) else { return [] }
    let blocks = ownBlocks
    var hashes = [UInt64](repeating: 0, count: blocks.count)
    hashes.withUnsafeMutableBufferPointer { hashes in
      let base = hashes.baseAddress
      replica.workspace.threads.run(tasks: blocks.count) { index in
        base?[index] = hash(ofBlock: blocks.lowerBound + index)
      }
    }
    let changed = zip(blocks, hashes).first { block, hash in
      guard isFrozen(block) else { return false }
      defer { if frozenHashes[block] == nil { frozenHashes[block] = hash } }
      return frozenHashes[block].map { $0 != hash } ?? false
    }
    return [hashes.reduce(0, &+), changed.map { UInt64($0.0) + 1 } ?? 0]
  }

  /// Compares what the ranks told. Collective where they differ.
  ///
  /// - Throws: `AgreedError` with `ParametersDifferError`.
  func compare(_ words: [[UInt64]], step: Int) throws {
    let topology = communicator.topology
    if let rank = words.firstIndex(where: { $0[1] > 0 }) {
      let tensor = tensor(ofBlock: Int(words[rank][1]) - 1)
      throw agreed(
        .changed(host: hostName(topology.hostIndex(of: rank)), tensor: tensor, step: step))
    }
    let sums = topology.hosts.map { ranks in ranks.reduce(UInt64(0)) { $0 &+ words[$1][0] } }
    guard sums.contains(where: { $0 != sums[0] }) else { return }
    // All have changed their slices meanwhile; but a difference between copies stays one.
    let (tensor, odd) = try locate()
    let names = odd.map(hostName)
    throw agreed(.different(hosts: names, ofCount: topology.hostCount, tensor: tensor, step: step))
  }

  private func agreed(_ error: ParametersDifferError) -> AgreedError {
    AgreedError(error, speaks: communicator.isRankZero)
  }

  /// The first tensor that the hosts do not agree on, and the hosts that most others differ from; without
  /// a name where all of it has been overwritten since.
  private func locate() throws -> (tensor: String?, hosts: [Int]) {
    let topology = communicator.topology
    let entries = replica.parameters.entries
    for start in stride(from: 0, to: entries.count, by: 32) {
      let part = entries[start..<min(start + 32, entries.count)]
      let own = part.map { topology.isLeader ? hash(of: $0.range) : 0 }
      try communicator.meet(
        CollectiveCall(.allGather, byteCount: own.count * 8), contributing: own)
      let leaders = topology.hosts.map { Array(communicator.contribution(of: $0.lowerBound)) }
      for (index, entry) in part.enumerated() {
        let hashes = leaders.map { $0[index] }
        guard hashes.contains(where: { $0 != hashes[0] }) else { continue }
        return (entry.name, Self.minority(hashes))
      }
    }
    return (nil, Array(topology.hosts.indices))
  }

  /// The places of all values but the one that most have; of all where none has more than half.
  static func minority(_ hashes: [UInt64]) -> [Int] {
    let counts = Dictionary(hashes.map { ($0, 1) }, uniquingKeysWith: +)
    let majority = counts.first { 2 * $0.value > hashes.count }?.key
    return hashes.indices.filter { hashes[$0] != majority }
  }

  private func hostName(_ host: Int) -> String {
    let first = communicator.topology.hosts[host].lowerBound
    return communicator.watch?.hostName(ofRank: first) ?? "\(host)"
  }

  // MARK: Blocks

  private var total: Int { replica.shared.values.count }

  /// The share of the host's copy that this rank hashes.
  private var ownBlocks: Range<Int> {
    let count = (total + Self.blockCount - 1) / Self.blockCount
    let topology = communicator.topology
    let (rank, size) = (topology.localRank, topology.localSize)
    return rank * count / size..<(rank + 1) * count / size
  }

  private func elements(ofBlock block: Int) -> Range<Int> {
    block * Self.blockCount..<min(total, (block + 1) * Self.blockCount)
  }

  private func isFrozen(_ block: Int) -> Bool {
    block * Self.blockCount >= replica.shared.trained.count
  }

  private func hash(ofBlock block: Int) -> UInt64 {
    hash(of: elements(ofBlock: block), seed: UInt64(block))
  }

  private func hash(of elements: Range<Int>, seed: UInt64 = 0) -> UInt64 {
    CHashing_fold64(
      replica.values + elements.lowerBound,
      Int64(elements.count * MemoryLayout<Float>.stride), seed)
  }

  private func tensor(ofBlock block: Int) -> String? {
    replica.parameters.entries.first { $0.range.overlaps(elements(ofBlock: block)) }?.name
  }
}

/// Parameters that should be the same are not: memory, a processor or a network is broken.
enum ParametersDifferError: Error, Equatable, CustomStringConvertible {
  /// Hosts that hold something else than most others; all where there is no majority.
  case different(hosts: [String], ofCount: Int, tensor: String?, step: Int)
  /// Parameters that are not trained have changed.
  case changed(host: String, tensor: String?, step: Int)

  private static let advice = """
    Memory, a processor or the network is broken. Checkpoints since the comparison before may be \
    wrong: go on from an older one, without that host
    """

  var description: String {
    switch self {
    case .different(let hosts, let count, let tensor, let step):
      let names = hosts.joined(separator: " and ")
      let others = hosts.count == count ? "disagree" : "holds other parameters than the rest"
      return """
        step \(step): host\(hosts.count == 1 ? "" : "s") \(names) \(others)\
        \(tensor.map { ", first in \($0)" } ?? ""). \(Self.advice)
        """
    case .changed(let host, let tensor, let step):
      return """
        step \(step): \(tensor ?? "a parameter") has changed in the memory of host \(host), though it is \
        not trained. \(Self.advice)
        """
    }
  }
}
