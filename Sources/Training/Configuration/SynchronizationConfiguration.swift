import LockstepOptimization
import LockstepSettings

/// The `synchronize` section: workers that train by themselves and seldom communicate.
///
/// A. Douillard et al., "DiLoCo: Distributed Low-Communication Training of Language Models", 2023.
/// Workers are part of the configuration, not of the machine: any number of ranks plays them, to the
/// same result.
public struct SynchronizationConfiguration: Configurable {
  /// H, optimiser steps of a worker from one synchronisation to the next; 0: no workers, gradients are
  /// added up at every step.
  public var every = 0
  /// K, of which each has a share of the micro-batches.
  public var workers = 1
  public var outer = OuterOptimizerConfiguration()

  public init() {}

  public var isOn: Bool { every > 0 }

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning:
          "Optimiser steps that each worker takes by itself, on its share of every step's micro-batches, "
          + "before the workers' changes become one. `0`: no workers; gradients are added up at every "
          + "step."),
      Field(
        "workers", \.workers, .within(1...BatchConfiguration.microbatchLimit),
        meaning:
          "How many copies of the parameters are trained side by side, each with an optimiser of its "
          + "own. Any number of ranks plays them."),
      Field(
        "outer", \.outer, meaning: "How the parameters follow the mean of the workers' changes."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    guard !isOn else { return }
    checks.require(
      workers == 1, "workers", "1, because every is 0 and nobody trains by himself",
      involving: "every")
    checks.require(
      outer == OuterOptimizerConfiguration(), "outer",
      "no keys, because every is 0 and there is no outer step", involving: "every")
  }

  /// Whether all workers have the same parameters when so many steps are taken.
  func isDue(afterStep step: Int) -> Bool { step.isMultiple(of: every) }

  /// "4 workers, made one every 100 steps: nesterov, learning rate 0.7, momentum 0.9"; nil where there
  /// are none.
  var summary: String? {
    guard isOn else { return nil }
    let (workers, steps) = (
      workers == 1 ? "1 worker" : "\(workers) workers", every == 1 ? "step" : "\(every) steps"
    )
    return "\(workers), synchronised every \(steps) by \(outer.summary)"
  }
}

extension Plan {
  /// What must hold between the workers and the rest of a plan.
  func checkSynchronization(_ checks: inout SettingChecks) {
    guard synchronize.isOn else { return }
    let (every, workers) = (synchronize.every, synchronize.workers)
    checks.require(
      batch.microbatches.isMultiple(of: workers), "synchronize.workers",
      "a divisor of batch.microbatches (\(batch.microbatches)), so that all workers learn from as many",
      involving: "batch.microbatches")
    checks.require(
      steps.isMultiple(of: every), "steps",
      "a multiple of synchronize.every (\(every)), because a run ends with what all workers found",
      involving: "synchronize.every")
    checks.require(
      evaluate.every.isMultiple(of: every), "evaluate.every",
      "a multiple of synchronize.every (\(every)), because the parameters that are evaluated change only "
        + "there", involving: "synchronize.every")
    checks.require(
      reduction != .allreduce, "reduction",
      "canonical, canonical-bfloat16 or canonical-int8, because synchronize.every is above 0",
      involving: "synchronize.every")
    checks.require(
      synchronize.outer.sendsAll || reduction == .canonical, "reduction",
      "canonical, because synchronize.outer.name is sparseloco, which says itself what is sent",
      involving: "synchronize.outer")
    checks.require(
      report.histogramsEvery == 0, "report.histograms_every",
      "0, because each worker has a gradient of its own and synchronize.every is above 0",
      involving: "synchronize.every")
    if case .lbfgs = optimizer.method {
      checks.require(
        false, "optimizer.name",
        "another than lbfgs, because what it remembers is not that of a worker and synchronize.every is "
          + "above 0", involving: "synchronize.every")
    }
    checks.require(
      optimizer.skipAbove == 0, "optimizer.skip_above",
      "0, because a worker does not know the steps of the others and synchronize.every is above 0",
      involving: "synchronize.every")
  }
}
