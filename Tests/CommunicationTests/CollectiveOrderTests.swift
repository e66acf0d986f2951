import Foundation
import LockstepCommunication
import Synchronization
import TestSupport
import Testing

/// Invariant: a collective is called by all ranks in the same order, or the run ends with one error.
@Suite struct CollectiveOrderTests {
  private func mismatch(
    size: Int, ranksPerHost: Int? = nil,
    _ body: @escaping @Sendable (any Communicator) throws -> Void
  ) throws -> CollectiveMismatch? {
    let error = #expect(throws: CommunicationError.self) {
      _ = try InProcessGroup(size: size, ranksPerHost: ranksPerHost).run(body)
    }
    guard case .mismatch(let mismatch)? = error else {
      Issue.record("not a mismatch: \(String(describing: error))")
      return nil
    }
    return mismatch
  }

  @Test(arguments: [nil, 1, 2])
  func differentKindsEndTheRunNamingRankStepAndCall(ranksPerHost: Int?) throws {
    let mismatch = try mismatch(size: 3, ranksPerHost: ranksPerHost) { communicator in
      communicator.step = 12
      try communicator.barrier()
      if communicator.rank == 2 {
        _ = try communicator.allGather([1, 2])
      } else {
        try communicator.barrier()
      }
    }
    #expect(mismatch?.rank == 2)
    #expect(mismatch?.call == CollectiveCall(.allGather, byteCount: 16))
    #expect(mismatch?.step == 12)
    #expect(mismatch?.otherCall == CollectiveCall(.barrier))
    #expect(mismatch.map { $0.otherRank < 2 } == true)
  }

  @Test func differentRootsAreAMismatch() throws {
    let mismatch = try mismatch(size: 2) { communicator in
      var byte: UInt8 = 0
      try withUnsafeMutableBytes(of: &byte) {
        try communicator.broadcast($0, from: communicator.rank)
      }
    }
    #expect(mismatch?.call.root == 1)
    #expect(mismatch?.otherCall.root == 0)
  }

  @Test func differentLengthsAreAMismatch() throws {
    let mismatch = try mismatch(size: 2, ranksPerHost: 1) { communicator in
      var bytes = [UInt8](repeating: 0, count: 10 + communicator.rank)
      try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
    }
    #expect(mismatch?.call.byteCount == 11)
    #expect(mismatch?.otherCall.byteCount == 10)
  }

  @Test func differentStepsAreAMismatch() throws {
    let mismatch = try mismatch(size: 2) { communicator in
      communicator.step = 40 + communicator.rank
      try communicator.barrier()
    }
    #expect(mismatch?.step == 41)
    #expect(mismatch?.otherStep == 40)
  }

  @Test func aMismatchIsFoundThoughAnotherRankNeverArrives() throws {
    let mismatch = try mismatch(size: 3) { communicator in
      switch communicator.rank {
      case 0: try communicator.barrier()
      case 1: _ = try communicator.allGather([0])
      default: break
      }
    }
    #expect(mismatch?.rank == 1)
  }

  @Test(arguments: [nil, 1])
  func aFailingRankEndsTheGroupWithItsOwnError(ranksPerHost: Int?) throws {
    struct Broken: Error {}
    #expect(throws: Broken.self) {
      _ = try InProcessGroup(size: 3, ranksPerHost: ranksPerHost).run { communicator in
        try communicator.barrier()
        if communicator.rank == 1 { throw Broken() }
        try communicator.barrier()
      }
    }
  }

  @Test(arguments: [3, 1])
  func aLongWaitIsReportedWithTheRankThatIsMissing(ranksPerHost: Int) throws {
    final class Reports: Sendable {
      let stalls = Mutex([StallWatch.Stall]())
    }
    let reports = Reports()
    let group = try InProcessGroup(size: 3, ranksPerHost: ranksPerHost)
    _ = try group.run { communicator in
      communicator.step = 9
      if communicator.rank == 0 {
        communicator.stallWatch = StallWatch(interval: .milliseconds(1)) { stall in
          reports.stalls.withLock { $0.append(stall) }
        }
      }
      // Rank 2 comes only when rank 0 has complained.
      while communicator.rank == 2, reports.stalls.withLock({ $0.isEmpty }) { sched_yield() }
      try communicator.barrier()
    }
    let first = reports.stalls.withLock { $0.first }
    #expect(first?.missing.contains(2) == true)
    #expect(first?.call == CollectiveCall(.barrier))
    #expect(first?.step == 9)
  }

  @Test func theMessageNamesRanksCallsAndSteps() {
    let mismatch = CollectiveMismatch(
      rank: 3, call: CollectiveCall(.broadcast, byteCount: 8, root: 1), step: 7, otherRank: 0,
      otherCall: CollectiveCall(.barrier), otherStep: 7)
    #expect(
      "\(CommunicationError.mismatch(mismatch))"
        == "ranks are not in the same collective: rank 3 called broadcast(8 bytes, root 1) in "
        + "step 7, rank 0 called barrier() in step 7")
  }
}
