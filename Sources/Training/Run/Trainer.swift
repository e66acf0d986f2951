import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepReporting
import LockstepSettings
import LockstepTensors

/// Trains a task on one rank: steps, evaluations and checkpoints in their order, and an event for
/// each, which observers on rank zero render or store.
///
/// Every rank makes one and calls `run`; all do the same at the same time.
public final class Trainer {
  public let plan: Plan
  public let replica: Replica
  package let step: any OptimizationStep

  /// Where a run starts.
  public enum Start: Equatable, Sendable {
    /// A new run begins, with initial parameters.
    case beginning
    /// From the newest complete checkpoint; from the beginning where there is none at all. Where there
    /// are some and none can be read, that is a `ResumeError`.
    case newestCheckpoint
    /// From the newest checkpoint of an earlier step than this one; from the beginning where there
    /// is none.
    case before(step: Int)

    /// Whether the run saves what it comes to: what only looks back does not.
    var isSaved: Bool {
      switch self {
      case .beginning, .newestCheckpoint: true
      case .before: false
      }
    }
  }

  let task: any TrainingTask
  let communicator: any Communicator
  let directory: RunDirectory?
  /// Held on rank zero while the trainer exists; nil where whoever made it has the directory for it.
  private let lock: RunDirectoryLock?
  package let checkpoints: CheckpointStore?
  /// Nil where the state is not held in memory.
  private(set) var snapshots: SnapshotStore?
  /// What is to be said of them before the first step.
  private var snapshotNotice: String?
  let evaluator: Evaluator
  let versions: WeightVersions
  /// Nil where the run is not private.
  let privacy: PrivateTraining?
  private var isWayTold = false
  var plateau = PlateauShape.Memory()
  var earlyStopping = EarlyStopping()
  package var stragglers = StragglerWatch()
  /// What this rank had done when the window of `stragglers` began.
  var windowBegin = StragglerWatch.Work()
  /// Which rank computes how many micro-batches; nil: as the reduction began.
  var rebalancing: Rebalancing?
  /// The same for the last record of the ranks' times.
  var recordBegin = StepPhases()
  /// Makes what is shown of the model; nil where nothing is.
  var sampleMaker: (any SampleMaker)?
  /// Records what is to be looked at of some steps; nil: none.
  var profiler: Profiler?
  private var observers: [any RunObserver] = []
  /// Whether the observers know what the run is about to do.
  private var isIntroduced = false
  var progress: RunProgress
  /// What an observer could not do; ends the run on all ranks after the step.
  var observerFailure: (any Error)?
  /// What asks for a stop while the run goes on.
  private(set) var stop = StopRequest()
  /// Whether the evaluation that is due after the last step was left because a stop was asked for: a run that goes
  /// on makes up for it before it takes a step.
  var isEvaluationOwed = false
  /// Newer checkpoints that were passed over on resuming; rank zero only knows of them.
  public internal(set) var skippedCheckpoints: [SkippedCheckpoint] = []

  /// As the public ones (`Trainer+Beginning.swift`), without an observer.
  ///
  /// - Parameters:
  ///   - memory: Of this host, which outlives the ranks; nil: there is none.
  ///   - session: Of a private run, which can not be without; nil: the plan's `privacy` is off. Default: nil.
  ///   - claims: Whether the directory is yet to be claimed for this run, and its checkpoints to be known for this
  ///     run's. Default: no, whoever calls has done that.
  package init(
    task: any TrainingTask, plan: Plan, optimizer method: (any OptimizerMethod)? = nil,
    initialization: [InitializationRule] = [], weights: PretrainedWeights? = nil,
    identity: String? = nil, communicator: any Communicator, workspace: Workspace? = nil,
    directory: RunDirectory? = nil, start: Start = .beginning, memory: (any KeptMemory)?,
    privacy session: PrivacySession? = nil, claims: Bool = false
  ) throws {
    try communicator.agree { try plan.validate(ranks: communicator.size) }
    precondition(
      start == .beginning || directory != nil || memory != nil,
      "a run without a directory has no checkpoint to start from")
    self.task = task
    self.plan = plan
    self.communicator = communicator
    self.directory = directory
    lock = try communicator.agree {
      guard claims, communicator.isRankZero, start.isSaved else { return nil }
      return try directory?.claim(forNewRun: start == .beginning)
    }
    let workspace =
      workspace
      ?? Workspace(threadCount: max(1, plan.threads), for: plan)
    precondition(
      workspace.products.library == plan.products.library,
      "the workspace's matrices are multiplied by another library than plan.products says")
    workspace.products.format = plan.precision.format
    let groups = plan.workerGroups(ranks: communicator.size)
    replica = try task.replica(
      communicator, in: workspace, owners: groups?.leaders,
      layout: plan.partitionLayout(on: communicator.topology))
    privacy =
      plan.privacy.isOn
      ? try PrivateTraining(
        of: .init(of: task, plan: plan), plan: plan, session: session, communicator: communicator)
      : nil
    step = try plan.step(
      of: task, replica, optimizer: method, groups: groups, privacy: privacy,
      communicator: communicator)
    evaluator = Evaluator(communicator: communicator, workspace: workspace)
    let progress = RunProgress(plan: plan, identity: identity ?? plan.identity)
    self.progress = progress
    versions = WeightVersions(
      averaging: plan.average, keepsBest: plan.earlyStopping.isOn,
      layout: step.layout, replica: replica)
    let (replica, step, versions) = (replica, step, versions)
    let initializers = try communicator.agree {
      if plan.needsEvaluations && task.evaluationBatchCount == 0 {
        throw MissingEvaluationsError()
      }
      return try initialization.initializers(for: replica.parameters)
    }
    checkpoints = try directory.map {
      var checkpoints = $0.checkpoints
      checkpoints.encrypts = plan.checkpoint.encrypt
      return try CheckpointStore(
        directory: checkpoints, keep: start.isSaved ? plan.checkpoint.keep : nil,
        files: task.checkpointFiles, seed: UInt64(plan.seed),
        configurationSHA256: claims ? progress.configurationSHA256 : nil, replica: replica,
        step: step, versions: versions, communicator: communicator)
    }
    if start.isSaved {
      (snapshots, snapshotNotice) = try SnapshotStore.opened(
        memory: memory, every: plan.snapshot.every,
        run: (identity ?? plan.identity) + (directory?.path ?? ""), replica: replica,
        step: step, versions: versions, communicator: communicator)
    }
    try begin(start, over: weights, initializers: initializers)
  }

  /// Gives the parameters their first values: a checkpoint's, or initial ones. Collective.
  private func begin(
    _ start: Start, over weights: PretrainedWeights?, initializers: [String: Initializer]
  ) throws {
    if let state = try restored(start, over: weights) {
      try communicator.agree {
        let path = checkpoints?.statePath(ofStep: state.step)
        try ResumeError.reading(notesOf: path) { try resume(from: state) }
      }
      try resumePrivacy(from: state)
    } else {
      try replica.initialize(
        seed: UInt64(plan.seed), overriding: initializers, rows: task.initialRows,
        weights: weights, communicator: communicator)
    }
    try step.begin(afterStep: progress.step)
  }

  /// Optimiser steps taken.
  public var stepsTaken: Int { progress.step }

  /// Seconds spent in steps, over all resumptions.
  public var secondsTaken: Double { progress.seconds }

  /// Mean loss of the last step that this process took.
  public var lastLoss: Double? { progress.lastLoss }

  /// What the last evaluation of this process measured.
  public var lastEvaluation: EvaluationResult? { progress.lastEvaluation }

  /// Whether no step is left to take.
  public var isDone: Bool {
    progress.step >= lastStep || earlyStopping.stoppedAt != nil
  }

  /// The last step that may be taken: of a private run whose budget ends earlier, that of the budget.
  var lastStep: Int {
    min(plan.steps, privacy?.allowedSteps ?? plan.steps)
  }

  /// Adds an observer of this rank's events. Attach on rank zero only: events are the same on all.
  public func attach(_ observer: any RunObserver) {
    observers.append(observer)
  }

  /// Tells the observers; a failure of theirs ends the run at the end of the step.
  public func emit(_ event: RunEvent) {
    if case .started = event { isIntroduced = true }
    for observer in observers {
      do {
        try observer.receive(event)
      } catch {
        observerFailure = observerFailure ?? error
      }
    }
  }

  /// Trains until all steps are done, a stop is requested, or the run is to pause. Collective.
  ///
  /// - Parameters:
  ///   - stop: A request on any rank stops all of them at the end of the same step, or in the same evaluation.
  ///   - isPause: Whether to leave the run as it is after a step: evaluated and saved, so that it can
  ///     be resumed. It is told how many steps have been taken and the last one's loss, nil where this
  ///     process has taken none, and must give the same answers on all ranks. Default: never.
  /// - Returns: What the process ends with: success, also where the run paused (see `isDone`), or
  ///   stopped.
  /// - Throws: `AgreedError` where the loss is not finite or rank zero can not save.
  public func run(
    until stop: StopRequest = StopRequest(),
    pausing isPause: (_ step: Int, _ loss: Double?) -> Bool = { _, _ in false }
  ) throws -> ExitCode {
    self.stop = stop
    if !isIntroduced { emit(.started(overview)) }
    communicator.stallWatch = StallWatch { [weak self] in self?.emit(.notice("\($0)")) }
    let (limits, activity) = (communicator.watch?.limits, communicator.watch?.activity)
    communicator.watch?.limits = plan.watchdog.limits
    defer {
      communicator.stallWatch = nil
      communicator.watch?.limits = limits
      communicator.watch?.activity = activity ?? .steps
    }
    do {
      return try takeSteps(pausing: isPause)
    } catch let error as AgreedError {
      // Whatever is under way is of an earlier step than what went wrong: it becomes complete.
      try? snapshots?.finish()
      reportWritten((try? checkpoints?.finishOwn()) ?? [])
      throw error
    }
  }

  private func takeSteps(
    pausing isPause: (_ step: Int, _ loss: Double?) -> Bool
  ) throws -> ExitCode {
    let every = plan.checkpoint.every
    var isToPrepare = every > 0 && every < plan.steps - progress.step
    if !isDone && isPause(progress.step, nil) { return try paused() }
    if let snapshotNotice { emit(.notice(snapshotNotice)) }
    for notice in privacy?.notices ?? [] { emit(.notice(notice)) }
    if isEvaluationOwed, let signal = try look() { return try stopped(by: signal) }
    communicator.watch?.activity = .firstStep
    while !isDone {
      try profile { try $0.advance(toStep: progress.step + 1) }
      let outcome = try takeStep()
      // What a step needs of memory it has now: copies take of what is left.
      if isToPrepare { try checkpoints?.prepareForBackgroundWriting(every: every) }
      isToPrepare = false
      communicator.watch?.activity = .steps
      try reportRanks()
      try compareRanks()
      if let signal = try look() { return try stopped(by: signal) }
      if isDone { break }
      if outcome.flag > 0 { return try stopped(by: Int32(outcome.flag)) }
      if isPause(progress.step, outcome.loss) { return try paused() }
      if let notice = try snapshots?.record(step: progress.step, { try state }) {
        emit(.notice(notice))
      }
      if plan.checkpoint.every > 0
        && progress.step.isMultiple(of: plan.checkpoint.every)
      {
        try watched(as: .checkpoint) {
          try requireFiniteParameters()
          try checkpoints?.saveInBackground(state)
        }
      }
    }
    return try finished()
  }

  /// Others have more patience while this rank does what takes longer than a step.
  func watched<Result>(
    as activity: WatchActivity, _ body: () throws -> Result
  ) rethrows -> Result {
    let before = communicator.watch?.activity
    communicator.watch?.activity = activity
    defer { communicator.watch?.activity = before ?? .steps }
    return try replica.workspace.threads.timeline.record("\(activity)", body)
  }

  private func takeStep() throws -> StepOutcome {
    let start = ContinuousClock.now
    let flag = observerFailure == nil ? Int(stop.signal ?? 0) : Self.failureFlag
    let outcome: StepOutcome
    do {
      outcome = try step.run(step: progress.step, flag: flag)
    } catch let error as NotFiniteError {
      // All ranks computed the same sums and know the same.
      throw AgreedError(error, speaks: communicator.isRankZero)
    }
    progress.record(outcome, seconds: (ContinuousClock.now - start) / .seconds(1))
    versions.record(step: progress.step)
    if outcome.flag == Self.failureFlag {
      throw AgreedError(
        observerFailure ?? PeerFailed(rank: 0), speaks: communicator.isRankZero)
    }
    var record = progress.stepRecord(outcome)
    record.epsilon = privacy?.epsilon(afterSteps: progress.step)
    record.clients = outcome.clients
    emit(.step(record))
    for notice in outcome.notices { emit(.notice(notice)) }
    if let way = privacy?.way, !isWayTold {
      emit(.notice(way.notice))
      isWayTold = true
    }
    for record in step.distributions { emit(.distributions(record)) }
    if let reason = outcome.skipped {
      emit(.notice("step \(outcome.step) changed nothing: \(reason)"))
    }
    reportWritten()
    return outcome
  }

  /// Larger than any signal's number.
  private static let failureFlag = 1 << 16

  /// Reports checkpoints that became complete meanwhile.
  func reportWritten() {
    if let notice = checkpoints?.takeNotice() { emit(.notice(notice)) }
    do {
      reportWritten(try checkpoints?.takeWritten() ?? [])
    } catch {
      observerFailure = observerFailure ?? error
    }
  }

  func reportWritten(_ written: [WrittenCheckpoint]) {
    for checkpoint in written {
      emit(
        .checkpoint(
          CheckpointRecord(
            step: checkpoint.step, path: checkpoint.path, seconds: checkpoint.seconds)))
    }
  }

  /// How long this process must have trained for the peak to be measured, in seconds: below that, the
  /// measurement would be felt, and the share would be noise.
  package var leastSecondsForPeak = 10.0

  /// As of `Rebalancing`.
  package var leastSecondsForRebalancing = Rebalancing.leastSeconds
}
