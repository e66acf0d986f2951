import Foundation
import LockstepCommunication
import Synchronization
import Testing

/// What ranks have given back before they ask for memory together counts as available.
@Suite struct MemoryCheckTests {
  /// What the ranks of a host and their test share.
  private final class Host: Sendable {
    /// Whether rank 1 holds nothing any more of what the host has.
    let isGivenBack = Atomic(false)
    /// Rank 0 waits for rank 1.
    let isAwaited = DispatchSemaphore(value: 0)
    let segments = Locked<[UInt64: MemorySegment]>([:])
  }

  /// A rank of two that are threads, on a host whose memory rank 1 holds.
  private final class HostTransport: Transport {
    let topology: Topology
    private let host: Host

    init(_ host: Host, rank: Int) {
      self.host = host
      topology = Topology(size: 2, ranksPerHost: 2, rank: rank)
    }

    var availableMemory: Int? {
      host.isGivenBack.load(ordering: .acquiring) ? 1 << 20 : 0
    }

    func makeSegment(byteCount: Int) throws -> (segment: MemorySegment, name: [UInt64]) {
      let segment = try MemorySegment(privateByteCount: byteCount, rank: topology.rank)
      let name = UInt64(topology.rank)
      host.segments.withLock { $0[name] = segment }
      return (segment, [name, 0, 0])
    }

    func openSegment(named name: [UInt64]) throws -> MemorySegment {
      try #require(host.segments.withLock { $0[name[0]] })
    }

    func forgetNames() {}

    func checkPeers(waited: Duration, step: Int, call: CollectiveCall) throws {
      if topology.rank == 0 { host.isAwaited.signal() }
    }

    func split(color: Int, members: [Int], topology: Topology) throws -> any Transport { self }
    func start(_ batch: MessageBatch) throws {}
    func progress(_ batch: MessageBatch) throws -> Bool { true }
    func allReduceSum(
      _ values: UnsafeMutableBufferPointer<Float>, barrier: () throws -> Void
    ) throws {}
    func abort(because error: any Error, exitCode: Int32, isReporter: Bool) {}
  }

  @Test func memoryThatAnotherRankGivesBackLaterIsAwaited() throws {
    let host = Host()
    let board = try MemorySegment(
      privateByteCount: Board.byteCount(for: Topology(size: 2, ranksPerHost: 2, rank: 0)), rank: 0)
    let outcomes = Locked<[Int: Result<Int, any Error>]>([:])
    let haveEnded = DispatchGroup()
    for rank in 0..<2 {
      haveEnded.enter()
      Thread.detachNewThread {
        if rank == 1 {
          host.isAwaited.wait()
          host.isGivenBack.store(true, ordering: .releasing)
        }
        let communicator = GroupCommunicator(
          transport: HostTransport(host, rank: rank), boardMemory: board)
        let outcome = Result {
          try communicator.allocateShared(byteCount: 4096).segments.map(\.count).reduce(0, +)
        }
        outcomes.withLock { $0[rank] = outcome }
        haveEnded.leave()
      }
    }
    haveEnded.wait()
    for rank in 0..<2 {
      let outcome = try #require(outcomes.withLock { $0[rank] })
      #expect(try outcome.get() == 2 * 4096)
    }
  }
}
