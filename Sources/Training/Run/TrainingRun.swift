import Communication
import Datasets
import Foundation
import Models
import Reporting
import Tensors

/// A run as `lockstep train` makes it from a configuration: its data and model, its directory, and
/// on rank zero what the user sees.
public final class TrainingRun {
  /// What rank zero prints.
  public enum Console: Sendable {
    case text, json, quiet
  }

  private let configuration: RunConfiguration
  private let communicator: any Communicator
  private let mode: String
  private let directory: RunDirectory?
  /// Held on rank zero while the run exists.
  private let lock: RunDirectoryLock?
  private let trainer: Trainer
  private let data: LanguageModelingData

  /// Opens the data, prepares the directory and the model. Collective.
  ///
  /// - Parameters:
  ///   - mode: How the ranks were started, for the console.
  ///   - directory: Nil saves nothing.
  ///   - resume: Whether to go on from the newest complete checkpoint.
  /// - Throws: `AgreedError` with what is wrong.
  public init(
    configuration: RunConfiguration, communicator: any Communicator, mode: String,
    directory: RunDirectory?, resume: Bool
  ) throws {
    self.configuration = configuration
    self.communicator = communicator
    self.mode = mode
    self.directory = directory
    let plan = try ThreadPlan(requested: configuration.threads, communicator: communicator)
    let workspace = Workspace(threadCount: plan.threads)
    data = try LanguageModelingData(configuration, communicator: communicator)
    let task = try communicator.agree { [data] in try data.task(for: configuration) }
    lock = try communicator.agree {
      guard communicator.isRankZero else { return nil }
      return try directory?.prepare(for: configuration, resume: resume)
    }
    trainer = try Trainer(
      task: task, configuration: configuration, communicator: communicator, workspace: workspace,
      directory: directory, start: resume ? .newestCheckpoint : .beginning)
  }

  /// Attaches what rank zero shows and stores: console, `metrics.jsonl` and `summary.json`.
  public func attach(console: Console) throws {
    switch console {
    case .text: trainer.attach(ConsoleReporter())
    case .json: trainer.attach(JSONEventReporter())
    case .quiet: break
    }
    guard let directory else { return }
    trainer.attach(
      try JSONLinesReporter(path: directory.metricsPath, resumedStep: trainer.stepsTaken))
    trainer.attach(SummaryReporter(path: directory.summaryPath))
  }

  /// Trains. Collective.
  ///
  /// A run that is complete is left as it is.
  ///
  /// - Returns: What the process ends with.
  public func run(until stop: StopRequest) throws -> ExitCode {
    trainer.emit(.started(overview))
    if try isComplete() {
      trainer.emit(
        .notice("all \(trainer.stepsTaken) steps were taken before: nothing is left to do"))
      return .success
    }
    return try trainer.run(until: stop)
  }

  /// Whether all steps are taken and the summary is written. Collective.
  private func isComplete() throws -> Bool {
    guard trainer.isDone, let directory else { return false }
    let answer = try communicator.fromRankZero {
      FileManager.default.fileExists(atPath: directory.summaryPath) ? [1] : []
    }
    return !answer.isEmpty
  }

  private var overview: RunOverview {
    let batch = configuration.batch
    let tokens = batch.sequences * batch.microbatches * configuration.model.context
    return RunOverview(
      mode: mode, ranks: communicator.size,
      threads: trainer.replica.workspace.threads.threadCount,
      parameterCount: trainer.replica.parameters.parameterCount, steps: configuration.steps,
      lines: [
        .init("model", configuration.model.summary),
        .init("data", data.summary),
        .init(
          "batch",
          "\(batch.microbatches) micro-batch\(batch.microbatches == 1 ? "" : "es") of "
            + "\(batch.sequences) × \(configuration.model.context): \(tokens) tokens a step"
        ),
        .init("optimiser", configuration.optimizerSummary),
      ],
      runDirectory: directory?.path,
      resumedStep: trainer.stepsTaken > 0 ? trainer.stepsTaken : nil,
      skipped: trainer.skippedCheckpoints.map { .init(path: $0.path, reason: "\($0.reason)") })
  }
}
