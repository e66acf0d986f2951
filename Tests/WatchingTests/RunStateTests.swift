import LockstepWatching
import Testing

struct RunStateTests {
  private func state(_ change: (inout RunState.Signs) -> Void) -> RunState {
    var signs = RunState.Signs(
      hasSummary: false, summarySteps: nil, lastStep: 40, checkpointStep: 20, isLocked: false,
      secondsOfSilence: 5, secondsPerStep: 0.1)
    change(&signs)
    return RunState(signs)
  }

  @Test func theFilesTellWhatARunIsDoing() {
    #expect(state { _ in } == .running)
    #expect(state { $0.secondsOfSilence = 61 } == .quiet)
    // Long steps are waited for.
    #expect(state { ($0.secondsOfSilence, $0.secondsPerStep) = (61, 30) } == .running)
    #expect(state { ($0.secondsOfSilence, $0.isLocked) = (3000, true) } == .running)
    #expect(state { ($0.secondsOfSilence, $0.checkpointStep) = (61, 40) } == .stopped)
    #expect(state { ($0.hasSummary, $0.summarySteps) = (true, 40) } == .finished)
    // Resumed to more steps than the summary tells of.
    #expect(state { ($0.hasSummary, $0.summarySteps) = (true, 30) } == .running)
    #expect(state { ($0.hasSummary, $0.summarySteps, $0.isLocked) = (true, 40, true) } == .running)
    #expect(state { ($0.lastStep, $0.isLocked, $0.checkpointStep) = (0, true, nil) } == .waiting)
    #expect(
      state { ($0.lastStep, $0.secondsOfSilence, $0.checkpointStep) = (0, nil, nil) } == .quiet)
  }
}
