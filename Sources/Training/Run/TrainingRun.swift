import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepReporting
import LockstepTensorBoard
import LockstepTensors

/// A run as `lockstep train` makes it from a configuration: its data and model, its directory, and
/// on rank zero what the user sees.
public final class TrainingRun {
  /// What rank zero prints.
  public enum Console: Sendable {
    case text, json, quiet
    /// As `text`, with the loss drawn below the live line on a terminal.
    case curve
  }

  private let configuration: RunConfiguration
  private let communicator: any Communicator
  private let mode: String
  private let directory: RunDirectory?
  /// Held on rank zero while the run exists.
  private let lock: RunDirectoryLock?
  package let trainer: Trainer
  private let prepared: PreparedTask
  /// What the user should know before the run goes on; on rank zero only.
  private let notices: [String]

  /// Opens the data, prepares the directory and the model. Collective.
  ///
  /// - Parameters:
  ///   - mode: How the ranks were started, for the console.
  ///   - directory: Nil saves nothing.
  ///   - resume: Whether to go on from the newest complete checkpoint.
  ///   - threads: Of this rank. Default: by the `ThreadPlan` of the communicator's ranks.
  ///   - profile: Steps whose timeline is written to the directory's `trace.json`. Default: none.
  ///   - job: The mark of the supervised job that this rank belongs to, whose keepers hold snapshots, and which
  ///     waits for a rank zero that was killed and still holds the directory. Default: none.
  /// - Throws: `AgreedError` with what is wrong.
  public init(
    configuration: RunConfiguration, communicator: any Communicator, mode: String,
    directory: RunDirectory?, resume: Bool, threads: Int? = nil,
    profile: ProfiledSteps? = nil, job: String? = nil
  ) throws {
    var configuration = configuration
    communicator.watch?.directory = directory?.path
    if resume, configuration.directory == nil {
      configuration.directory = try directory?.recordedDirectory(communicator)
    }
    configuration = configuration.recordingDirectory()
    let resolved = configuration
    self.configuration = resolved
    self.communicator = communicator
    self.mode = mode
    self.directory = directory
    let threads =
      try threads
      ?? ThreadPlan(requested: resolved.plan.threads, communicator: communicator).threads
    let workspace = Workspace(threadCount: threads, for: resolved.plan)
    let beginning = try resolved.beginning(
      resuming: resume ? directory : nil, threads: workspace.threads, communicator)
    var prepared = try resolved.prepareTask(
      communicator, beginning: beginning,
      resuming: resume ? directory?.learnedSamples(communicator) : nil, resumes: resume)
    // Of clients whose data are gone nothing is learned from here on, whatever the record keeps of them.
    let learned = prepared.data
    try communicator.agree {
      guard resume, communicator.isRankZero, prepared.task is FederatedTask,
        let stored = try directory?.storedData()?.record
      else { return }
      prepared.keepAbsentClients(of: stored)
    }
    self.prepared = prepared
    try communicator.agree {
      let samples = resolved.plan.samples
      if samples.every > 0, samples.prompts.isEmpty, prepared.task.evaluationBatchCount == 0 {
        throw SampleMakerError.noHeldOutData
      }
    }
    (lock, notices) = try communicator.agree {
      guard communicator.isRankZero, let directory else { return (nil, []) }
      return try directory.prepare(
        for: resolved, data: prepared.data, resume: resume,
        patience: job == nil ? nil : .supervised)
    }
    trainer = try Trainer(
      task: prepared.task, configuration: resolved, weights: beginning.weights,
      communicator: communicator, workspace: workspace, directory: directory,
      start: resume ? .newestCheckpoint : .beginning,
      memory: job.map { KeeperClient(mark: $0) },
      privacy: try resolved.privacySession(data: learned, directory: directory, communicator))
    trainer.sampleMaker = prepared.samples
    if let profile, let directory {
      trainer.profiler = Profiler(
        profile, path: directory.tracePath, communicator: communicator, threads: workspace.threads)
    }
  }

  /// Attaches what rank zero shows and stores: console, `metrics.jsonl` and `summary.json`.
  public func attach(console: Console) throws {
    let metrics = directory.map { "; its steps are in \($0.metricsPath)" } ?? ""
    let output = DescriptorOutput(
      lossNotice: "lockstep: standard output is closed: the run goes on\(metrics)")
    switch console {
    case .text: trainer.attach(ConsoleReporter(output: output))
    case .curve: trainer.attach(ConsoleReporter(output: output, drawsCurve: true))
    case .json: trainer.attach(JSONEventReporter(output: output))
    case .quiet: tellSkipped()
    }
    guard let directory else { return }
    if trainer.isDone {
      // Killed after its last checkpoint, a run has yet to write what it came to.
      trainer.progress.recall(loss: try directory.recordedLoss(ofStep: trainer.stepsTaken))
    } else {
      // What a shorter run came to is not what this one comes to.
      try FileSystem.removeFile(directory.summaryPath)
    }
    trainer.attach(
      try JSONLinesReporter(path: directory.metricsPath, resumedStep: trainer.stepsTaken))
    trainer.attach(SummaryReporter(path: directory.summaryPath))
    guard configuration.plan.report.tensorboard else { return }
    trainer.attach(
      try TensorBoardReporter(
        directory: directory.tensorBoardPath, resumedStep: trainer.stepsTaken,
        isComplete: isComplete(directory)))
  }

  /// Says on standard error that the run goes on from an older checkpoint: nobody may miss that.
  private func tellSkipped() {
    let output = DescriptorOutput(descriptor: STDERR_FILENO)
    for skipped in trainer.skippedCheckpoints {
      output.write("lockstep: \(skipped): the run goes on from step \(trainer.stepsTaken)\n")
    }
  }

  /// Trains. Collective.
  ///
  /// A run that is complete is left as it is.
  ///
  /// - Parameters:
  ///   - stop: As of `Trainer.run(until:pausing:)`.
  ///   - isPause: Likewise.
  /// - Returns: What the process ends with.
  public func run(
    until stop: StopRequest,
    pausing isPause: (_ step: Int, _ loss: Double?) -> Bool = { _, _ in false }
  ) throws -> ExitCode {
    trainer.emit(.started(overview))
    for notice in configuration.notices + prepared.notices + notices {
      trainer.emit(.notice(notice))
    }
    if try isComplete() {
      trainer.emit(
        .notice("all \(trainer.stepsTaken) steps were taken before: nothing is left to do"))
      return .success
    }
    return try trainer.run(until: stop, pausing: isPause)
  }

  /// Whether all steps are taken and the summary of them is written. Collective.
  private func isComplete() throws -> Bool {
    guard trainer.isDone, let directory else { return false }
    return try communicator.valueFromRankZero { try isComplete(directory) }
  }

  /// The same, for rank zero alone.
  private func isComplete(_ directory: RunDirectory) throws -> Bool {
    try trainer.isDone && directory.summary()?.steps == trainer.stepsTaken
  }

  private var batchLine: String {
    let drawn = configuration.plan.federated.isOn ? nil : trainer.privacy?.batchLine
    return drawn ?? prepared.batchSummary ?? batchSummary
  }

  /// "4 micro-batches of 8 × 128: 4096 tokens a step".
  private var batchSummary: String {
    let (batch, context) = (configuration.plan.batch, configuration.recipe.model.context)
    let targets = batch.sequences * batch.microbatches * context
    let shape = context == 1 ? "\(batch.sequences)" : "\(batch.sequences) × \(context)"
    let epochs = prepared.epochLength.map {
      String(
        format: ", %.1f epochs in all",
        Double(targets) * Double(configuration.plan.steps) / Double($0))
    }
    return "\(batch.microbatches) micro-batch\(batch.microbatches == 1 ? "" : "es") of \(shape): "
      + "\(targets) \(prepared.unit) a step\(epochs ?? "")"
  }

  private var overview: RunOverview {
    return RunOverview(
      mode: mode, ranks: communicator.size,
      threads: trainer.replica.workspace.threads.threadCount,
      parameterCount: trainer.replica.parameters.parameterCount, steps: configuration.plan.steps,
      unit: prepared.unit,
      lines: [.init("model", configuration.recipe.modelSummary)]
        + configuration.recipe.beginningLines(trained: trainer.replica.parameters)
        + (prepared.wordVectorSummary.map { [.init("vectors", $0)] } ?? []) + [
          .init("data", prepared.dataSummary),
          .init("batch", batchLine),
          .init("optimiser", configuration.plan.optimizerSummary),
        ] + (trainer.privacy.map { [.init("privacy", $0.line)] } ?? [])
        + (configuration.plan.federated.summary.map { [.init("clients", $0)] } ?? [])
        + (configuration.plan.synchronize.summary.map { [.init("workers", $0)] } ?? [])
        + (configuration.plan.precisionSummary.map { [.init("precision", $0)] } ?? []),
      runDirectory: directory?.path,
      resumedStep: trainer.stepsTaken > 0 ? trainer.stepsTaken : nil,
      skipped: trainer.skippedCheckpoints.map { .init(path: $0.path, reason: "\($0.reason)") },
      hyperparameters: configuration.hyperparameters)
  }
}
