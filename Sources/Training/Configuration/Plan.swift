import LockstepFederation
import LockstepOptimization
import LockstepPrivacy
import LockstepReporting
import LockstepSettings

/// How a recipe is trained: in which batches, by which steps, for how long, and how the run is watched
/// and saved on the way.
///
/// The seed is here because it chooses one training of a recipe among others. So are the keys that
/// decide no result at all, such as the number of threads: none of them says what the model is.
public struct Plan: Configurable {
  public var seed = 1337
  public var batch = BatchConfiguration()
  public var optimizer = OptimizerConfiguration()
  public var schedule = ScheduleConfiguration()
  public var reduction = ReductionMethod.canonical
  public var synchronize = SynchronizationConfiguration()
  public var federated = FederatedConfiguration()
  public var privacy = PrivacyConfiguration()
  public var precision = Precision.float32
  public var products = ProductMethod.canonical
  /// Optimiser steps from the start of the run to its end.
  public var steps = 1000
  public var average = AveragingConfiguration()
  public var earlyStopping = EarlyStoppingConfiguration()
  public var evaluate = EvaluationConfiguration()
  public var checkpoint = CheckpointConfiguration()
  public var snapshot = SnapshotConfiguration()
  public var verify = VerificationConfiguration()
  /// Whether micro-batches are dealt out by how fast the ranks are.
  public var rebalance = false
  public var watchdog = WatchdogConfiguration()
  public var samples = SamplesConfiguration()
  public var report = ReportConfiguration()
  /// Threads of one rank; 0 takes the rank's share of the processors it may use.
  public var threads = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "seed", \.seed, .atLeast(0),
        meaning: "Decides every random number: initial weights, order of the data, dropout."),
      Field("batch", \.batch, meaning: "How much is learned from at each step."),
      Field("optimizer", \.optimizer, meaning: "How the weights follow the gradient."),
      Field("schedule", \.schedule, meaning: "How the learning rate changes, in optimiser steps."),
      Field(
        "reduction", \.reduction, meaning: "How the gradients of all micro-batches are added up."),
      Field(
        "synchronize", \.synchronize,
        meaning: "Workers that train by themselves and communicate rarely, for slow links."),
      Field(
        "federated", \.federated,
        meaning: "Clients that keep their data to themselves, and train in rounds."),
      Field(
        "privacy", \.privacy,
        meaning:
          "A bound on what the parameters tell of any one sample, or client: differential privacy."),
      Field(
        "precision", \.precision, meaning: "In which format the model's matrices are multiplied."),
      Field(
        "products", \.products,
        meaning:
          "Who multiplies the model's matrices; optimisers that multiply always use Lockstep's kernels."
      ),
      Field(
        "steps", \.steps, .count(from: 1),
        meaning: "Optimiser steps of the whole run, resumed ones included."),
      Field("average", \.average, meaning: "Averaging the weights over steps."),
      Field(
        "early_stopping", \.earlyStopping, meaning: "Ending the run when it no longer improves."),
      Field(
        "evaluate", \.evaluate, decidesResult: false,
        meaning: "Measuring the loss on held-out data."),
      Field(
        "checkpoint", \.checkpoint, decidesResult: false,
        meaning: "Saving the run, so that it can be resumed."),
      Field(
        "snapshot", \.snapshot, decidesResult: false,
        meaning: "Holding the state in the hosts' memory, so that a loss costs a few steps."),
      Field(
        "verify", \.verify, decidesResult: false,
        meaning: "Comparing the parameters that different hosts hold."),
      Field(
        "rebalance", \.rebalance, decidesResult: false,
        meaning:
          "Whether a slower rank gets fewer micro-batches, by what passes took so far; no bit depends on it."
      ),
      Field(
        "watchdog", \.watchdog, decidesResult: false,
        meaning: "Ending a run whose ranks wait for one that does not come."),
      Field(
        "samples", \.samples, decidesResult: false,
        meaning: "Showing what the model makes of a few inputs, while it trains."),
      Field(
        "report", \.report, decidesResult: false,
        meaning: "What the run writes for those who watch it."),
      Field(
        "threads", \.threads, .within(0...4096), decidesResult: false,
        meaning: "Threads of one rank; `0` takes the rank's share of the processors it may use."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      schedule.warmupSteps <= steps, "schedule.warmup_steps", "at most steps (\(steps))",
      involving: "steps")
    checks.require(
      precision == .float32 || products == .canonical, "precision",
      "float32, because products: openblas multiplies nothing else", involving: "products")
    checkSynchronization(&checks)
    checkFederation(&checks)
    checks.require(
      !rebalance || reduction != .allreduce, "rebalance",
      "false, because with reduction: allreduce bits depend on who computes what",
      involving: "reduction")
    checks.require(
      !rebalance || !synchronize.isOn, "rebalance",
      "false, because each worker has as many micro-batches and synchronize.every is above 0",
      involving: "synchronize.every")
    if needsEvaluations {
      checks.require(
        evaluate.every > 0, "evaluate.every",
        "above 0, because schedule.name: plateau and early_stopping go by evaluations",
        involving: "schedule.name", "early_stopping.patience")
    }
  }

  /// Whether evaluations decide how the run goes on, and not only watch it.
  package var needsEvaluations: Bool { schedule.plateau != nil || earlyStopping.isOn }

  /// The most ranks that a run can have: each computes a micro-batch of a step or, of a federated run, plays a client.
  package var rankLimit: Int { federated.isOn ? federated.clients : batch.microbatches }

  /// What must hold between the plan and the number of ranks.
  func check(_ checks: inout SettingChecks, ranks: Int) {
    let (key, work) =
      federated.isOn
      ? ("federated.clients", "client to play") : ("batch.microbatches", "micro-batch to compute")
    checks.require(
      ranks <= rankLimit, key, "at least the number of ranks (\(ranks)), so that each has a \(work)"
    )
  }

  /// Checks a plan that was made in code, for a run on `ranks` ranks.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public func validate(ranks: Int) throws(ConfigurationError) {
    _ = try Self(settings: settingNode) { plan, checks in plan.check(&checks, ranks: ranks) }
  }
}
