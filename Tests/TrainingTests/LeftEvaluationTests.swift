import Foundation
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

/// A stop that is asked for during an evaluation: the evaluation is left, the run is saved, and whoever goes on makes
/// up for it.
@Suite struct LeftEvaluationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The regression, whose evaluations of a step ask for a stop.
  private final class InterruptingTask: TrainingTask {
    private let task = LinearRegression()
    /// What stops the run, and in the evaluation of which step; nil: nothing.
    var stop: (request: StopRequest, step: Int)?
    /// Steps taken.
    var step = 0
    private(set) var measured = 0

    var model: any Module { task.model }
    let evaluationBatchCount = 9

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      self.step = step + 1
      return task.loss(step: step, microbatch: microbatch, in: workspace)
    }

    func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
      if let stop, stop.step == step { stop.request.request(signal: SIGTERM) }
      measured += 1
      return task.evaluationLoss(batch: batch, in: workspace)
    }
  }

  private struct Outcome: Sendable {
    let code: ExitCode
    let hash: String
    let steps: Int
    let names: [String]
    let evaluations: [String]
    let rates: [Double]
    let measured: Int
  }

  private static let plain = "schedule: {name: constant}"
  private static let plateau =
    "schedule: {name: plateau, patience: 0, decay: 0.5, min_improvement: 0.9}"
  private static let stopping = plain + "\nearly_stopping: {patience: 4, min_improvement: 0.3}"

  /// - Parameter stopping: The step in whose evaluation the last rank is asked to stop; nil: none.
  private func train(
    _ yaml: String, ranks: Int = 1, stopping: Int? = nil, steps: Int = 21,
    directory: RunDirectory? = nil, start: Trainer.Start = .beginning
  ) throws -> Outcome {
    var configuration = try RunConfiguration.parse(
      yaml: """
        batch: {microbatches: 5}
        model: {vocabulary: 10}
        data: {tokenizer: null}
        checkpoint: {every: 4}
        evaluate: {every: 3, batches: 7}
        optimizer: {name: sgd, learning_rate: 0.05}
        average: {name: exponential, decay: 0.5}
        \(yaml)
        """, source: "test")
    configuration.steps = steps
    let settings = configuration
    return try InProcessGroup(size: ranks).run { communicator in
      let task = InterruptingTask()
      let request = StopRequest()
      if let stopping, communicator.rank == ranks - 1 { task.stop = (request, stopping) }
      let trainer = try Trainer(
        task: task, configuration: settings, communicator: communicator, directory: directory,
        start: start, observers: [])
      task.step = trainer.stepsTaken
      let recorder = EventRecorder()
      trainer.attach(recorder)
      let code = try trainer.run(until: request)
      return Outcome(
        code: code, hash: trainer.parametersHash, steps: trainer.stepsTaken,
        names: recorder.names.filter { !$0.hasPrefix("checkpoint") },
        evaluations: recorder.events.compactMap {
          if case .evaluation(let record) = $0 { "\(record.step): \(record.loss)" } else { nil }
        },
        rates: recorder.events.compactMap {
          if case .step(let record) = $0 { record.learningRate } else { nil }
        }, measured: task.measured)
    }[0]
  }

  @Test(arguments: [plain, plateau, stopping], [1, 2, 4])
  func anEvaluationIsLeftAndMadeUpForToTheSameBits(yaml: String, ranks: Int) throws {
    let whole = try train(yaml)
    let directory = RunDirectory(path: folder.path + "/run")
    let left = try train(yaml, ranks: ranks, stopping: 6, directory: directory)
    #expect(left.code == .stopped && left.steps == 6)
    #expect(left.names.last == "stopped 6")
    #expect(left.evaluations.map { $0.prefix(2) } == ["3:"])
    #expect(left.measured < 2 * ((7 + ranks - 1) / ranks))
    let newest = try #require(directory.checkpoints.newestComplete().found)
    #expect(newest.step == 6)

    let resumed = try train(yaml, ranks: 5 - ranks, directory: directory, start: .newestCheckpoint)
    #expect(resumed.code == .success)
    #expect(resumed.names.prefix(3) == ["started", "evaluation 6", "step 7"])
    #expect(resumed.hash == whole.hash && resumed.steps == whole.steps)
    #expect(left.evaluations + resumed.evaluations == whole.evaluations)
    #expect(left.rates + resumed.rates == whole.rates)
  }

  @Test(arguments: [plain, stopping], [1, 3])
  func theLastEvaluationIsLeftTooAndTheRunIsSaved(yaml: String, ranks: Int) throws {
    // The last evaluation alone: no other is due after step 20.
    let whole = try train(yaml, steps: 20)
    let directory = RunDirectory(path: folder.path + "/run")
    let left = try train(yaml, ranks: ranks, stopping: whole.steps, steps: 20, directory: directory)
    #expect(left.code == .stopped && left.steps == whole.steps)
    #expect(!left.names.contains("finished"))
    let newest = try #require(directory.checkpoints.newestComplete().found)
    #expect(newest.step == whole.steps)

    let resumed = try train(yaml, steps: 20, directory: directory, start: .newestCheckpoint)
    #expect(resumed.code == .success && resumed.names.last == "finished")
    #expect(resumed.hash == whole.hash)
    #expect(left.evaluations + resumed.evaluations == whole.evaluations)
    #expect(resumed.rates.isEmpty)
  }

  @Test func aPauseIsLeftToo() throws {
    let directory = RunDirectory(path: folder.path + "/run")
    let code = try InProcessGroup(size: 2).run { communicator in
      let task = InterruptingTask()
      let request = StopRequest()
      if communicator.rank == 1 { task.stop = (request, 5) }
      var plan = Plan.regression()
      plan.checkpoint.every = 0
      let trainer = try Trainer(
        task: task, plan: plan, communicator: communicator, directory: directory, observers: [])
      return try trainer.run(until: request, pausing: { step, _ in step == 5 })
    }
    #expect(code == [.stopped, .stopped])
    #expect(try directory.checkpoints.newestComplete().found?.step == 5)
  }
}
