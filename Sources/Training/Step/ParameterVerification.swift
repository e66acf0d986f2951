import CLockstepHashing
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepTensors

/// Compares what the hosts of a job hold: each has one copy of the parameters, and all must be the same.
///
/// Ranks of a host share the work of hashing its copy, before an update, when all ranks have read it: each
/// hashes what it will update itself, for the others may be ahead. The hashes travel with the
/// exchange of the parts. Parameters that are not trained are compared with
/// themselves as they were at the first look, too: so one host alone notices when they change.
///
/// What only one rank holds, the state of the optimiser for its parts, can not be compared.
final class ParameterVerification {
  private let replica: Replica
  private let communicator: any Communicator
  private let every: Int
  /// What the communicator's ranks count from among all of the run.
  private let firstRank: Int
  /// The parameters that `replica` has a copy of.
  private let entries: [ParameterStore.Entry]
  /// What this rank hashes of its host's copy.
  private let pieces: [Piece]
  /// Of each tensor, over this rank's pieces, at the last look.
  private var tensorSums: [UInt64]
  /// Of the pieces that are not trained, at the first look.
  private var frozenHashes: [Int: UInt64] = [:]

  /// Elements of one tensor.
  private struct Piece {
    let entry: Int
    let elements: Range<Int>
  }

  /// - Parameters:
  ///   - every: Steps; nil comes of 0, and where there is nothing to compare.
  ///   - firstRank: What the communicator's ranks count from among all of the run. Default: 0.
  init?(of replica: Replica, every: Int, communicator: any Communicator, firstRank: Int = 0) {
    let isFrozenInPart = replica.shared.values.count > replica.shared.trained.count
    guard every > 0, communicator.topology.hostCount > 1 || isFrozenInPart else { return nil }
    self.replica = replica
    self.communicator = communicator
    self.every = every
    self.firstRank = firstRank
    // A worker's copy is of what is trained alone.
    let entries = replica.parameters.entries.filter {
      $0.range.upperBound <= replica.shared.values.count
    }
    self.entries = entries
    let (partition, topology) = (replica.shared.partition, communicator.topology)
    pieces = entries.indices.flatMap { entry in
      Self.blocks(of: entries[entry].range).compactMap { elements in
        partition.reader(of: elements.lowerBound, topology) == topology.rank
          ? Piece(entry: entry, elements: elements) : nil
      }
    }
    tensorSums = Array(repeating: 0, count: entries.count)
  }

  /// Cut where the partition's blocks begin, so that no piece has two owners.
  private static func blocks(of elements: Range<Int>) -> [Range<Int>] {
    let size = SlicePartition.blockSize
    return (elements.lowerBound / size..<(elements.upperBound + size - 1) / size).map {
      ($0 * size..<($0 + 1) * size).clamped(to: elements)
    }
  }

  /// What this rank has to tell at the end of a step: the sum of its pieces' hashes and, one up, the
  /// first tensor that should not have changed. Nothing where no comparison is due.
  func words(step: Int) -> [UInt64] {
    guard step.isMultiple(of: every) else { return [] }
    var hashes = [UInt64](repeating: 0, count: pieces.count)
    hashes.withUnsafeMutableBufferPointer { hashes in
      let base = hashes.baseAddress
      replica.workspace.threads.run(tasks: pieces.count) { [pieces] index in
        base?[index] = hash(of: pieces[index].elements)
      }
    }
    for entry in tensorSums.indices { tensorSums[entry] = 0 }
    var changed: Int?
    for (index, piece) in pieces.enumerated() {
      tensorSums[piece.entry] &+= hashes[index]
      guard piece.elements.lowerBound >= replica.shared.trained.count else { continue }
      let before = frozenHashes[index]
      if before == nil { frozenHashes[index] = hashes[index] }
      if let before, before != hashes[index] { changed = changed ?? piece.entry }
    }
    return [hashes.reduce(0, &+), changed.map { UInt64($0) + 1 } ?? 0]
  }

  /// Compares what the ranks told. Collective where they differ.
  ///
  /// - Throws: `AgreedError` with `ParametersDifferError`.
  func compare(_ words: [[UInt64]], step: Int) throws {
    let topology = communicator.topology
    if let rank = words.firstIndex(where: { $0[1] > 0 }) {
      let entry = entries[Int(words[rank][1]) - 1]
      throw agreed(
        .changed(host: hostName(topology.hostIndex(of: rank)), tensor: entry.name, step: step))
    }
    let sums = topology.hosts.map { ranks in ranks.reduce(UInt64(0)) { $0 &+ words[$1][0] } }
    guard sums.contains(where: { $0 != sums[0] }) else { return }
    let (tensor, odd) = try locate()
    throw agreed(
      .different(
        hosts: odd.map(hostName), ofCount: topology.hostCount, tensor: tensor, step: step))
  }

  private func agreed(_ error: ParametersDifferError) -> AgreedError {
    AgreedError(error, speaks: communicator.isRankZero)
  }

  /// The first tensor that the hosts did not agree on at the last look, and the hosts that most others
  /// differ from. What the parameters are now says nothing: the step has changed them.
  private func locate() throws -> (tensor: String, hosts: [Int]) {
    let topology = communicator.topology
    let capacity = GroupCommunicator.contributionCapacity
    for start in stride(from: 0, to: tensorSums.count, by: capacity) {
      let own = Array(tensorSums[start..<min(start + capacity, tensorSums.count)])
      try communicator.meet(
        CollectiveCall(.allGather, byteCount: own.count * 8), contributing: own)
      for index in own.indices {
        let sums = topology.hosts.map { ranks in
          ranks.reduce(UInt64(0)) { $0 &+ communicator.contribution(of: $1)[index] }
        }
        guard sums.contains(where: { $0 != sums[0] }) else { continue }
        return (entries[start + index].name, Self.minority(sums))
      }
    }
    preconditionFailure("sums of tensors are equal where their sum is not")
  }

  /// The places of all values but the one that most have; of all where none has more than half.
  static func minority(_ hashes: [UInt64]) -> [Int] {
    let counts = Dictionary(hashes.map { ($0, 1) }, uniquingKeysWith: +)
    let majority = counts.first { 2 * $0.value > hashes.count }?.key
    return hashes.indices.filter { hashes[$0] != majority }
  }

  private func hostName(_ host: Int) -> String {
    let first = communicator.topology.hosts[host].lowerBound
    return communicator.watch?.hostName(ofRank: firstRank + first) ?? "\(host)"
  }

  /// Of elements at their place: the same bits elsewhere have another one.
  private func hash(of elements: Range<Int>) -> UInt64 {
    CHashing_fold64(
      replica.values + elements.lowerBound,
      Int64(elements.count * MemoryLayout<Float>.stride), UInt64(elements.lowerBound))
  }
}

/// Parameters that should be the same are not: memory, a processor or a network is broken.
enum ParametersDifferError: Error, Equatable, CustomStringConvertible {
  /// Hosts that hold something else than most others; all where there is no majority.
  case different(hosts: [String], ofCount: Int, tensor: String, step: Int)
  /// Parameters that are not trained have changed.
  case changed(host: String, tensor: String, step: Int)

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
        step \(step): host\(hosts.count == 1 ? "" : "s") \(names) \(others), \
        first in \(tensor). \(Self.advice)
        """
    case .changed(let host, let tensor, let step):
      return """
        step \(step): \(tensor) has changed in the memory of host \(host), though it is \
        not trained. \(Self.advice)
        """
    }
  }
}
