import Dispatch
import LockstepCommunication
import Testing

/// How ranks that are threads of one process end together.
struct InProcessGroupTests {
  private struct Agreed: SharedError, Equatable {
    let rank: Int
    var speaks: Bool { rank == 0 }
  }

  private struct Lonely: Error {}

  /// Whichever rank is the first to end: here all others are before the one that speaks.
  @Test func theErrorOfTheRankThatSpeaksIsThrown() throws {
    for _ in 0..<20 {
      let group = try InProcessGroup(size: 3)
      let others = DispatchSemaphore(value: 0)
      let error = #expect(throws: Agreed.self) {
        try group.run { communicator in
          if communicator.isRankZero {
            for _ in 1..<3 { others.wait() }
          } else {
            others.signal()
          }
          throw Agreed(rank: communicator.rank)
        }
      }
      #expect(error == Agreed(rank: 0))
    }
  }

  /// The others wait in a collective, which would never end.
  @Test func anErrorOfOneRankAloneEndsTheOthers() throws {
    #expect(throws: Lonely.self) {
      try InProcessGroup(size: 3).run { communicator in
        if communicator.rank == 1 { throw Lonely() }
        _ = try communicator.allGather([1])
      }
    }
  }
}
