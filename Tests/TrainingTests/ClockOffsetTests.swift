import LockstepCommunication
import LockstepTraining
import Testing

/// How far the clocks of hosts are apart, while a step's parameters may be on their way.
@Suite struct ClockOffsetTests {
  /// Messages match by their order, so that no two threads may send them.
  @Test func clocksAreComparedWhenParametersHaveArrived() throws {
    let count = 4 << 16
    let found = try InProcessGroup(size: 2, ranksPerHost: 1).run { base in
      let communicator = IdleBackground(base)
      let shared = try SharedParameters(
        communicator: communicator, elementCount: count, layout: .interleaved)
      for element in shared.partition.parts(of: communicator.rank).joined() {
        shared.owned[element] = Float(element)
      }
      try shared.share(inBackground: true)
      communicator.mayInterrupt = false
      let offset = try ClockOffset.ofThisRank(communicator)
      return (offset: offset, hasAll: (0..<count).allSatisfy { shared.owned[$0] == Float($0) })
    }
    #expect(found.map { $0.hasAll } == [true, true])
    // Threads of one process have one clock: no more than half a round trip is wrong.
    #expect(found[0].offset == 0 && abs(found[1].offset) < 1_000_000_000)
  }
}
