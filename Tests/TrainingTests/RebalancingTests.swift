import LockstepCommunication
import LockstepReporting
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Micro-batches dealt out by how fast the ranks are: who gets how many, and that no bit depends on it.
@Suite struct RebalancingTests {
  // MARK: - Who gets how many

  private func firstChange(
    seconds: [Double], leafCount: Int, steps: Int = 1
  ) -> Rebalancing.Change? {
    var rebalancing = Rebalancing(leafCount: leafCount, size: seconds.count)
    return rebalancing.record(seconds: seconds, steps: steps)
  }

  @Test func aRankThatTakesThreeTimesAsLongGetsAThird() throws {
    // Four each: rank 1 takes 6 s for one where rank 0 takes 2.
    let change = try #require(firstChange(seconds: [8, 24], leafCount: 8))
    #expect(change.division.counts == [6, 2])
    #expect(change.paces == [2, 6] && change.before == 24 && change.after == 12)
    #expect(
      change.notice(step: 30)
        == "after step 30: micro-batches of the ranks are now 6, 2 (2000, 6000 ms each), so that the slowest "
        + "rank takes 12000 ms of a step instead of 24000 ms")
  }

  @Test func theSlowestKeepsOne() throws {
    let change = try #require(firstChange(seconds: [4, 4000, 4], leafCount: 12))
    #expect(change.division.counts.contains(1) && change.division.counts[1] == 1)
    #expect(change.division.leafCount == 12)
  }

  @Test(arguments: 0..<40) func noOtherDivisionIsDoneEarlier(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let paces = (0..<3).map { _ in Double.random(in: 1...9, using: &generator) }
    let even = LeafDivision(leafCount: 10, size: 3)
    let seconds = zip(paces, even.counts).map { $0 * Double($1) }
    var best = Double.infinity
    for first in 1...8 {
      for second in 1...(9 - first) {
        let counts = [first, second, 10 - first - second]
        best = min(best, zip(paces, counts).map { $0 * Double($1) }.max() ?? .infinity)
      }
    }
    let now = seconds.max() ?? 0
    let found = firstChange(seconds: seconds, leafCount: 10)
    // Where little is to be gained, nothing changes.
    #expect((found == nil) == (best >= 0.95 * now))
    if let found { #expect(abs(found.after - best) < 1e-9) }
  }

  @Test func aFewSecondsMustHaveBeenSeen() {
    var rebalancing = Rebalancing(leafCount: 8, size: 2)
    #expect(rebalancing.record(seconds: [1, 2.1], steps: 10) == nil)
    #expect(rebalancing.record(seconds: [1, 2.1], steps: 10) == nil)
    #expect(rebalancing.record(seconds: [1, 2.1], steps: 10)?.division.counts == [6, 2])
    // What was seen before counts no more; the division stays while it is right.
    #expect(rebalancing.record(seconds: [5, 5], steps: 10) == nil)
    #expect(rebalancing.division.counts == [6, 2])
  }

  // MARK: - Bits

  /// Three ranks on two hosts, whose micro-batches are dealt out anew after some steps.
  private func hash(
    changes: [Int: [Int]], reduction: ReductionMethod = .canonical
  ) throws -> Set<String> {
    var plan = Plan.regression(steps: 12, microbatches: 9)
    plan.reduction = reduction
    let settings = plan
    return Set(
      try InProcessGroup(size: 3, ranksPerHost: 2).run { communicator in
        let trainer = try Trainer(
          task: LinearRegression(), plan: settings, communicator: communicator, observers: [])
        let step = try #require(trainer.step as? TrainingStep)
        var failure: (any Error)?
        _ = try trainer.run(pausing: { taken, _ in
          do {
            if let counts = changes[taken] {
              _ = try step.rebalance(to: LeafDivision(counts: counts), method: settings.reduction)
            }
          } catch {
            failure = error
          }
          return false
        })
        if let failure { throw failure }
        return trainer.parametersHash
      })
  }

  @Test(arguments: [ReductionMethod.canonical, .canonicalBfloat16, .canonicalInt8])
  func noBitDependsOnWhoComputesWhat(reduction: ReductionMethod) throws {
    let even = try hash(changes: [:], reduction: reduction)
    #expect(even.count == 1)
    #expect(
      try hash(changes: [3: [1, 7, 1], 4: [5, 2, 2], 9: [1, 1, 7]], reduction: reduction) == even)
  }

  @Test func whereMemoryForAnotherDivisionIsMissingTheOldOneStays() throws {
    let even = try hash(changes: [:])
    let settings = Plan.regression(steps: 12, microbatches: 9)
    let outcomes = try InProcessGroup(size: 3, ranksPerHost: 2).run { communicator in
      let memory = ScarceMemory(communicator)
      let trainer = try Trainer(
        task: LinearRegression(), plan: settings, communicator: memory, observers: [])
      let step = try #require(trainer.step as? TrainingStep)
      var answers: [Result<Bool, any Error>] = []
      _ = try trainer.run(pausing: { taken, _ in
        guard taken == 3 || taken == 6 else { return false }
        memory.refusals = taken == 3 ? 1 : 0
        answers.append(
          Result {
            try step.rebalance(to: LeafDivision(counts: [1, 7, 1]), method: settings.reduction)
          })
        return false
      })
      return (trainer.parametersHash, try answers.map { try $0.get() }, step.microbatchCount)
    }
    #expect(Set(outcomes.map(\.0)) == even)
    #expect(outcomes.map(\.1) == [[false, true], [false, true], [false, true]])
    #expect(outcomes.map(\.2) == [1, 7, 1])
  }

  @Test func aRunThatLacksMemoryForAnotherDivisionSaysSoOnceAndGoesOn() throws {
    var plan = Plan.regression(steps: 40, microbatches: 8)
    plan.rebalance = true
    let settings = plan
    let outcomes = try InProcessGroup(size: 2).run { communicator in
      let task = LinearRegression { [rank = communicator.rank] loss, _, _ in
        if rank == 1 { Self.compute() }
        return loss
      }
      let memory = ScarceMemory(communicator)
      let trainer = try Trainer(
        task: task, plan: settings, communicator: memory, observers: [])
      memory.refusals = 1
      trainer.leastSecondsForRebalancing = 0.05
      let recorder = EventRecorder()
      trainer.attach(recorder)
      _ = try trainer.run()
      let step = try #require(trainer.step as? TrainingStep)
      return (recorder.names.filter { $0.contains("micro-batches") }, step.microbatchCount)
    }
    #expect(outcomes.map(\.1) == [4, 4])
    #expect(outcomes[0].0.count == 1, "\(outcomes[0].0)")
    #expect(outcomes[0].0.first?.contains("rebalance is off") == true, "\(outcomes[0].0)")
  }

  /// Passes that take their time, whatever else the machine does.
  private static func compute() {
    let end = ContinuousClock.now + .milliseconds(4)
    while ContinuousClock.now < end {}
  }

  @Test func aSlowRankGetsFewer() throws {
    var plan = Plan.regression(steps: 40, microbatches: 8)
    plan.rebalance = true
    let settings = plan
    func run(isSlow: Bool) throws -> [(hash: String, notices: [String], counts: Int)] {
      try InProcessGroup(size: 2).run { communicator in
        let task = LinearRegression { [rank = communicator.rank] loss, _, _ in
          if isSlow && rank == 1 { Self.compute() }
          return loss
        }
        let trainer = try Trainer(
          task: task, plan: settings, communicator: communicator, observers: [])
        trainer.leastSecondsForRebalancing = isSlow ? 0.05 : .infinity
        let recorder = EventRecorder()
        trainer.attach(recorder)
        _ = try trainer.run()
        return (
          trainer.parametersHash,
          recorder.names.filter { $0.contains("micro-batches of the ranks are now") },
          try #require(trainer.step as? TrainingStep).microbatchCount
        )
      }
    }
    let (even, moved) = (try run(isSlow: false), try run(isSlow: true))
    #expect(even.map(\.counts) == [4, 4] && even[0].notices.isEmpty)
    #expect(moved[0].counts > 4 && moved[0].counts + moved[1].counts == 8)
    #expect(!moved[0].notices.isEmpty)
    #expect(Set((even + moved).map(\.hash)).count == 1)
  }
}
