// M micro-batches of an optimiser step.

import LockstepCommunication
import LockstepDatasets
import LockstepParallelism
import LockstepTensors
import LockstepTraining

/// What the parts of an optimiser step take on one host, while so many of its ranks train together.
package struct HostCosts: Codable, Equatable, Sendable {
  /// Ranks of the host, each with a slice of the optimiser's work.
  package let ranks: Int
  /// Seconds of one micro-batch, on the slowest rank.
  package let forwardSeconds: Double
  package let backwardSeconds: Double
  /// Seconds to update the largest slice.
  package let optimizerSeconds: Double
  /// Seconds that are left of a step: sums over the host's ranks, waiting for each other, meetings.
  package let restSeconds: Double

  package init(
    ranks: Int, forwardSeconds: Double, backwardSeconds: Double, optimizerSeconds: Double,
    restSeconds: Double
  ) {
    self.ranks = ranks
    self.forwardSeconds = forwardSeconds
    self.backwardSeconds = backwardSeconds
    self.optimizerSeconds = optimizerSeconds
    self.restSeconds = restSeconds
  }

  package var microbatchSeconds: Double { forwardSeconds + backwardSeconds }
}

/// When the gradients of a backward pass are final, from the last parameter to the first.
package struct GradientTimeline: Codable, Equatable, Sendable {
  /// Elements from `first` on are final after this share of the backward pass.
  package struct Point: Codable, Equatable, Sendable {
    package let first: Int
    /// In 0 ... 1.
    package let share: Double

    package init(first: Int, share: Double) {
      self.first = first
      self.share = share
    }
  }

  /// In the order of time; the last one's `first` is 0.
  package let points: [Point]

  package init(points: [Point]) { self.points = points }
}

/// Trains on synthetic tokens with the ranks of one host, to see what a step's parts take.
struct HostCostMeasurement {
  /// Steps that are not timed: they fetch memory.
  private static let warmUpSteps = 2
  let costs: HostCosts
  /// What the optimiser updates, P.
  let parameterCount: Int
  /// Nil where it was not asked for.
  private(set) var timeline: GradientTimeline?

  /// Collective among the ranks of `group`.
  ///
  /// - Parameters:
  ///   - benchmark: Of its plan all that decides a step's work counts, but not the workers.
  ///   - group: Ranks of one host.
  ///   - threads: Of each rank.
  ///   - seconds: How long the timed steps last, about; at least 3 are taken.
  ///   - findsTimeline: Whether to look when gradients are final.
  init(
    _ benchmark: BenchmarkCase, group: any Communicator, threads: Int, seconds budget: Double,
    findsTimeline: Bool
  ) throws {
    var plan = benchmark.plan.ofOneHost
    let most = (plan.batch.microbatches + group.size - 1) / group.size
    let each = min(2, most)
    plan.batch.microbatches = each * group.size
    let workspace = Workspace(threadCount: threads, for: plan)
    let task = SyntheticText(benchmark)
    let trainer = try Trainer(
      task: task, plan: plan, communicator: group, workspace: workspace, observers: [])
    parameterCount = trainer.replica.parameters.trainedCount

    var second = 0.0
    for step in 0..<Self.warmUpSteps {
      second = try ContinuousClock.seconds { _ = try trainer.step.run(step: step) }
    }
    let wanted = min(max((budget / second).rounded(), 3), 10_000)
    // Rank zero's clock decides.
    let steps = Int(try group.allGather([wanted])[0][0])
    let before = trainer.step.phases
    try group.barrier()
    let seconds = try ContinuousClock.seconds {
      for step in 0..<steps { _ = try trainer.step.run(step: Self.warmUpSteps + step) }
    }
    let phases = trainer.step.phases - before
    let all = try group.allGather([
      phases.forward / Double(steps * each), phases.backward / Double(steps * each),
      phases.optimizer / Double(steps), seconds / Double(steps),
    ])
    func slowest(_ place: Int) -> Double { all.map { $0[place] }.max() ?? 0 }
    // The slowest rank is the slowest in both directions.
    let microbatch = all.map { $0[0] + $0[1] }.max() ?? 0
    let backward = min(slowest(1), microbatch)
    let optimizer = slowest(2)
    costs = HostCosts(
      ranks: group.size, forwardSeconds: microbatch - backward, backwardSeconds: backward,
      optimizerSeconds: optimizer,
      restSeconds: max(0, all[0][3] - Double(each) * microbatch - optimizer))
    if findsTimeline { timeline = Self.timeline(of: task, trainer.replica, seed: plan.seed) }
  }

  /// Watches one backward pass.
  private static func timeline(
    of task: SyntheticText, _ replica: Replica, seed: Int
  ) -> GradientTimeline {
    let (workspace, parameters) = (replica.workspace, replica.parameters)
    workspace.isTraining = true
    workspace.seekRandom(seed: UInt64(seed), step: 0, microbatch: 0)
    parameters.beginGradient(into: FloatMemory(count: parameters.trainedCount))
    let loss = task.loss(step: 0, microbatch: 0, in: workspace)
    var seen: [(first: Int, seconds: Double)] = []
    let start = ContinuousClock.now
    parameters.awaitGradient { seen.append(($0, start.duration(to: .now) / .seconds(1))) }
    loss.sum.backward()
    parameters.finishGradient()
    let end = start.duration(to: .now) / .seconds(1)
    return GradientTimeline(
      points: seen.map { .init(first: $0.first, share: min(1, $0.seconds / end)) }
        + [.init(first: 0, share: 1)])
  }
}

extension Plan {
  /// What ranks of one host take a plain step by: no workers, no evaluations that decide, and a schedule
  /// that goes on for long enough.
  fileprivate var ofOneHost: Plan {
    var plan = self
    plan.synchronize = .init()
    plan.average = .init()
    plan.earlyStopping = .init()
    plan.optimizer.skipAbove = 0
    if plan.needsEvaluations { plan.schedule = .init() }
    plan.steps = max(plan.steps, 20_000)
    return plan
  }
}
