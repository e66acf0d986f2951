import LockstepSupervision
import Testing

/// When a job is started again, and when not any more.
@Suite struct RestartPolicyTests {
  @Test func aRunThatComesForwardIsStartedAgainAtOnce() {
    var policy = RestartPolicy(restarts: 100, attempts: 3)
    for step in stride(from: 10, to: 100, by: 10) {
      policy.started(at: step - 10)
      #expect(policy.failed(at: step) == .restart(after: 0))
    }
    #expect(policy.restartCount == 9)
  }

  @Test func withoutANewCheckpointItWaitsLongerAndLonger() {
    var policy = RestartPolicy(restarts: 100, attempts: 12)
    let waits = (0..<11).map { _ in
      policy.started(at: 40)
      return policy.failed(at: 40)
    }
    #expect(
      waits
        == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map { .restart(after: $0) })
    policy.started(at: 40)
    #expect(policy.failed(at: 40) == .giveUp(.noProgress(starts: 12)))
  }

  @Test func aNewCheckpointForgetsTheVainStarts() {
    var policy = RestartPolicy(restarts: 100, attempts: 2)
    policy.started(at: nil)
    #expect(policy.failed(at: nil) == .restart(after: 0))
    policy.started(at: nil)
    #expect(policy.failed(at: 5) == .restart(after: 0))
    policy.started(at: 5)
    #expect(policy.failed(at: 5) == .restart(after: 0))
    policy.started(at: 5)
    #expect(policy.failed(at: 5) == .giveUp(.noProgress(starts: 2)))
  }

  @Test func restartsHaveALimit() {
    var policy = RestartPolicy(restarts: 2, attempts: 5)
    for step in [3, 6] {
      policy.started(at: step - 3)
      #expect(policy.failed(at: step) == .restart(after: 0))
    }
    policy.started(at: 6)
    #expect(policy.failed(at: 9) == .giveUp(.tooMany(restarts: 2)))
  }
}
