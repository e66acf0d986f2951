import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles
import LockstepReporting
import LockstepSettings
import LockstepTensors

/// Takes one step of a real run again, in one process, and compares its loss and gradient norm with
/// what the run recorded, bit by bit. A step that the run did not finish, because its loss was not
/// finite, fails again here.
///
/// It starts from the newest checkpoint before the step, or from the beginning, and takes the steps
/// in between.
public struct StepReplay {
  private let run: RunDirectory
  private let step: Int

  /// - Parameters:
  ///   - run: Has `config.yaml`, `metrics.jsonl` and usually checkpoints.
  ///   - step: From 1.
  public init(run: RunDirectory, step: Int) {
    self.run = run
    self.step = step
  }

  /// What two ways to the same step came to.
  public struct Report: CustomStringConvertible {
    public let step: Int
    /// The step of the checkpoint that the replay started from; 0: from the beginning.
    public let startedFrom: Int
    /// Newer checkpoints that can not be read, so that the replay takes longer.
    public let skipped: [SkippedCheckpoint]
    /// Nil for the step after the last that was recorded.
    public let recorded: Recorded?
    public let loss: Double
    public let gradientNorm: Double

    /// Whether both have the same bits, where there is something to compare with.
    public var isEqual: Bool {
      guard let recorded else { return true }
      return loss.bitPattern == recorded.loss.bitPattern
        && gradientNorm.bitPattern == recorded.gradientNorm.bitPattern
    }

    public var description: String {
      func line(_ name: String, _ recorded: Double?, _ replayed: Double) -> String {
        guard let recorded else { return "\(name) \(replayed), not recorded" }
        let verdict = recorded.bitPattern == replayed.bitPattern ? "equal" : "DIFFERENT"
        let label = name.padding(toLength: 14, withPad: " ", startingAt: 0)
        return "\(label) recorded \(recorded)   replayed \(replayed)   \(verdict)"
      }
      return skipped.map { "\($0)\n" }.joined() + """
        step \(step), replayed from \(startedFrom == 0 ? "the beginning" : "the checkpoint of step \(startedFrom)")
        \(line("loss", recorded?.loss, loss))
        \(line("gradient norm", recorded?.gradientNorm, gradientNorm))
        """
    }
  }

  /// A line of `metrics.jsonl`.
  public struct Recorded: Decodable, Sendable {
    public let step: Int
    public let loss: Double
    public let gradientNorm: Double

    enum CodingKeys: String, CodingKey {
      case step, loss
      case gradientNorm = "gradient_norm"
    }
  }

  /// Replays the step.
  ///
  /// - Throws: `ReplayError`, `DataChangedError`, or what opening the run's data throws.
  public func compare() throws -> Report {
    let communicator = SoloCommunicator()
    var configuration = try run.configuration()
    configuration.directory = try run.recordedDirectory(communicator)
    let recorded = try recordedStep(of: configuration.plan.steps)
    let plan = try ThreadPlan(requested: 0, communicator: communicator)
    let workspace = Workspace(threadCount: plan.threads, for: configuration.plan)
    // Without a checkpoint to start from, the replay needs all that the run began with.
    let isResumed =
      try run.checkpoints.newestComplete(before: step, threads: workspace.threads).found != nil
    let beginning = try configuration.beginning(
      resuming: isResumed ? run : nil, threads: workspace.threads, communicator)
    let prepared = try configuration.prepareTask(
      communicator, beginning: beginning, resuming: run.learnedSamples(communicator))
    if let data = prepared.data { _ = try run.requireSameData(data, whereChanged: nil) }
    let trainer = try Trainer(
      task: prepared.task, configuration: configuration, weights: beginning.weights,
      communicator: communicator, workspace: workspace, directory: run, start: .before(step: step),
      memory: nil,
      privacy: try configuration.privacySession(
        data: prepared.data, directory: run, communicator))
    let startedFrom = trainer.stepsTaken
    var outcome: StepOutcome?
    for _ in startedFrom..<step { outcome = try trainer.replayStep() }
    guard let outcome else { throw ReplayError.noSuchStep(run: run.path, step: step) }
    return Report(
      step: step, startedFrom: startedFrom, skipped: trainer.skippedCheckpoints,
      recorded: recorded, loss: outcome.loss,
      gradientNorm: outcome.gradientNorm)
  }

  /// - Parameter steps: The steps of the whole run.
  private func recordedStep(of steps: Int) throws -> Recorded? {
    guard try FileSystem.exists(run.metricsPath) else {
      throw ReplayError.noMetrics(path: run.metricsPath)
    }
    let decoder = JSONFormat.decoder
    var last = 0
    for line in try MetricsFile.lines(of: run.metricsPath) {
      // Evaluations have lines, too.
      guard let record = try? decoder.decode(Recorded.self, from: line) else { continue }
      if record.step == step { return record }
      last = max(last, record.step)
    }
    if step == last + 1 && step <= steps { return nil }
    throw ReplayError.noSuchStep(run: run.path, step: step)
  }
}

/// Why a step can not be replayed.
public enum ReplayError: UserInputError, Equatable {
  case noMetrics(path: String)
  case noSuchStep(run: String, step: Int)

  public var description: String {
    switch self {
    case .noMetrics(let path): "\(path): no such file; --replay needs a run's directory"
    case .noSuchStep(let run, let step):
      "\(run) recorded no step \(step): its metrics.jsonl says which it did"
    }
  }
}
