import Foundation
import LockstepSupervision
import Testing

/// Which signals end a run without saving it.
@Suite struct StopDemandTests {
  /// What signals come to, each so many seconds after the first.
  private func demand(_ signals: [(signal: Int32, seconds: Double)]) -> StopDemand.Kind {
    var demand = StopDemand()
    let begin = ContinuousClock.now
    for (signal, seconds) in signals { demand.receive(signal, at: begin + .seconds(seconds)) }
    return demand.kind
  }

  @Test func withoutASignalTheRunGoesOn() { #expect(demand([]) == .none) }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
  func theFirstOneSaves(_ signal: Int32) { #expect(demand([(signal, 0)]) == .save) }

  @Test(arguments: [SIGTERM, SIGHUP, SIGUSR1])
  func whatComesTwiceWithoutMeaningItSaves(_ signal: Int32) {
    #expect(demand([(signal, 0), (signal, 0.001)]) == .save)
    // A terminal that is closed, and a scheduler that warns first.
    #expect(demand([(signal, 0), (SIGHUP, 0.001), (SIGHUP, 60)]) == .save)
    #expect(demand([(SIGUSR1, 0), (signal, 60)]) == .save)
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
  func controlCAfterAnythingEndsAtOnce(_ first: Int32) {
    #expect(demand([(first, 0), (SIGINT, 0.1)]) == .end)
    #expect(demand([(first, 0), (SIGINT, 0.1), (SIGHUP, 0.2)]) == .end)
  }

  @Test func aSecondTerminationEndsAtOnceIfItComesSecondsAfterTheFirst() {
    #expect(demand([(SIGTERM, 0), (SIGTERM, 4.9)]) == .save)
    #expect(demand([(SIGTERM, 0), (SIGTERM, 5)]) == .end)
    // Each counts from the first.
    #expect(demand([(SIGTERM, 0), (SIGTERM, 3), (SIGTERM, 6)]) == .end)
    #expect(demand([(SIGUSR1, 0), (SIGTERM, 60), (SIGTERM, 61)]) == .save)
    #expect(demand([(SIGUSR1, 0), (SIGTERM, 60), (SIGTERM, 65)]) == .end)
  }
}
