import Foundation
import LockstepCommunication
import LockstepOptimization
import LockstepReporting
import LockstepTensors

/// How a trainer is made, and what it tells of the run before the first step.
extension Trainer {
  /// Shows a run on standard error, so that standard output is the program's own.
  public static var console: any RunObserver {
    ConsoleReporter(output: DescriptorOutput(descriptor: STDERR_FILENO))
  }

  /// Prepares a run: memory for parameters, gradients and optimiser state, then initial parameters
  /// or those of the newest complete checkpoint. Collective.
  ///
  /// - Parameters:
  ///   - task: The model and the losses.
  ///   - plan: How it is trained.
  ///   - method: An update rule of one's own in place of the plan's, whose other keys hold: learning
  ///     rate, clipping, groups. Default: nil, the plan's.
  ///   - initialization: How parameters are filled in place of the model's own way. Default: in no
  ///     other.
  ///   - weights: What the parameters begin as in place of the model's own way; rank zero's count. Default:
  ///     none.
  ///   - identity: All that decides the run's parameters, in words; its hash is in each checkpoint.
  ///     Default: what the plan says.
  ///   - communicator: This rank's.
  ///   - workspace: Computes on this rank, in the plan's precision from then on. Default: one of the plan's
  ///     `threads`, at least 1.
  ///   - directory: Where checkpoints go, for this run alone while the trainer exists; nil saves nothing. Default:
  ///     nil.
  ///   - start: From the beginning, in a directory without checkpoints; or from a checkpoint of the directory, which
  ///     the same plan made. Default: from the beginning.
  ///   - observers: What shows and stores the run, on rank zero alone. Default: `console`; `[]` says
  ///     nothing.
  /// - Throws: `ConfigurationError`, `CommunicationError`; `AgreedError` for what failed on a rank, as
  ///   of a `RunDirectoryError` or `ResumeError`.
  public convenience init(
    task: any TrainingTask, plan: Plan, optimizer method: (any OptimizerMethod)? = nil,
    initialization: [InitializationRule] = [], weights: PretrainedWeights? = nil,
    identity: String? = nil, communicator: any Communicator, workspace: Workspace? = nil,
    directory: RunDirectory? = nil, start: Start = .beginning,
    observers: [any RunObserver] = [Trainer.console]
  ) throws {
    try self.init(
      task: task, plan: plan, optimizer: method, initialization: initialization, weights: weights,
      identity: identity, communicator: communicator, workspace: workspace, directory: directory,
      start: start, memory: nil, claims: true)
    attachOnRankZero(observers)
  }

  /// Prepares a configured run, whose recipe the task was made from. Collective.
  ///
  /// - Parameters:
  ///   - task: The recipe's.
  ///   - configuration: The plan, the recipe's `initialization`, and what decides the result.
  ///   - weights: What `beginning` opened. Default: none.
  ///   - communicator: As of the other initialiser, like all that follows.
  /// - Throws: As that; a `PrivacyError` of a private run, whose key is read, where the key can not be used. What
  ///   such a run learns from and begins as is not known here: no two runs of one configuration on different data or
  ///   with different `weights` may have the same key.
  public convenience init(
    task: any TrainingTask, configuration: RunConfiguration, weights: PretrainedWeights? = nil,
    communicator: any Communicator,
    workspace: Workspace? = nil, directory: RunDirectory? = nil, start: Start = .beginning,
    observers: [any RunObserver] = [Trainer.console]
  ) throws {
    try self.init(
      task: task, configuration: configuration, weights: weights, communicator: communicator,
      workspace: workspace, directory: directory, start: start, memory: nil,
      privacy: try configuration.privacySession(data: nil, directory: directory, communicator),
      claims: true)
    attachOnRankZero(observers)
  }

  /// As the other, without an observer.
  ///
  /// - Parameters:
  ///   - memory: Of this host, which outlives the ranks; nil: there is none.
  ///   - session: Of a private run. Default: nil.
  ///   - claims: Whether the directory is yet to be claimed. Default: no.
  package convenience init(
    task: any TrainingTask, configuration: RunConfiguration, weights: PretrainedWeights? = nil,
    communicator: any Communicator, workspace: Workspace? = nil, directory: RunDirectory? = nil,
    start: Start = .beginning, memory: (any KeptMemory)?, privacy session: PrivacySession? = nil,
    claims: Bool = false
  ) throws {
    try self.init(
      task: task, plan: configuration.plan, initialization: configuration.recipe.initialization,
      weights: weights,
      identity: configuration.identity, communicator: communicator, workspace: workspace,
      directory: directory, start: start, memory: memory, privacy: session, claims: claims)
  }

  private func attachOnRankZero(_ observers: [any RunObserver]) {
    guard communicator.isRankZero else { return }
    for observer in observers { attach(observer) }
  }

  /// What is known of a run without a configuration.
  var overview: RunOverview {
    let (ranks, hosts) = (communicator.size, communicator.topology.hostCount)
    return RunOverview(
      mode: "\(ranks) rank\(ranks == 1 ? "" : "s") on \(hosts) host\(hosts == 1 ? "" : "s")",
      ranks: ranks, threads: replica.workspace.threads.threadCount,
      parameterCount: replica.parameters.parameterCount, steps: plan.steps, unit: "targets",
      lines: [
        .init("model", "\(type(of: task.model))"), .init("optimiser", plan.optimizerSummary),
      ],
      runDirectory: directory?.path, resumedStep: stepsTaken > 0 ? stepsTaken : nil,
      skipped: skippedCheckpoints.map { .init(path: $0.path, reason: "\($0.reason)") })
  }
}
