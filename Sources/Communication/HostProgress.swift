import Synchronization

/// How far each rank of a host has come with something, in memory that they share.
final class HostProgress {
  /// Bytes between two ranks' words: processors fetch pairs of cache lines.
  private static let stride = 128
  private let memory: SharedMemory
  private let topology: Topology

  /// All ranks are at 0. Collective.
  init(communicator: any Communicator) throws {
    topology = communicator.topology
    memory = try communicator.allocateShared(
      byteCount: topology.isLeader ? topology.localSize * Self.stride : 0)
  }

  private func word(of localRank: Int) -> UnsafeMutablePointer<Atomic<Int>>? {
    memory.segments[0].baseAddress.map {
      ($0 + localRank * Self.stride).assumingMemoryBound(to: Atomic<Int>.self)
    }
  }

  private func place(of localRank: Int) -> Int {
    word(of: localRank)?.pointee.load(ordering: .acquiring) ?? 0
  }

  /// Tells where this rank is; a rank that learns of it sees what this rank wrote before.
  func report(_ place: Int) {
    word(of: topology.localRank)?.pointee.store(place, ordering: .releasing)
  }

  var smallest: Int { (0..<topology.localSize).map(place(of:)).min() ?? 0 }
  var largest: Int { (0..<topology.localSize).map(place(of:)).max() ?? 0 }
}
