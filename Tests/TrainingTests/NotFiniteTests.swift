import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

/// Numbers that are not finite, elsewhere than in the training loss: nothing is lost by them.
@Suite struct NotFiniteTests {
  /// The regression, with a validation loss that is told by the evaluation's number, from 0.
  private final class Task: TrainingTask {
    private let task: LinearRegression
    private let validation: @Sendable (Int) -> Float?
    private var evaluations = 0

    init(
      _ task: LinearRegression = LinearRegression(),
      validation: @escaping @Sendable (Int) -> Float? = { _ in nil }
    ) {
      (self.task, self.validation) = (task, validation)
    }

    var model: any Module { task.model }
    let evaluationBatchCount = 1

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      task.loss(step: step, microbatch: microbatch, in: workspace)
    }

    func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
      defer { evaluations += 1 }
      let loss = task.evaluationLoss(batch: batch, in: workspace)
      guard let told = validation(evaluations) else { return loss }
      return BatchLoss(sum: Tensor([told], shape: [1], in: workspace).sum(), targetCount: 1)
    }
  }

  @Test(arguments: [Float.nan, .infinity], [1, 3])
  func aValidationLossThatIsNotFiniteStopsNoCheckpoint(value: Float, ranks: Int) throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    func train(_ steps: Int, _ start: Trainer.Start) throws -> [String] {
      try InProcessGroup(size: ranks).run { communicator in
        var plan = Plan.regression(steps: steps)
        plan.checkpoint.keep = 10
        let trainer = try Trainer(
          task: Task { _ in start == .beginning ? value : nil }, plan: plan,
          communicator: communicator, directory: directory, start: start, observers: [])
        let recorder = EventRecorder()
        trainer.attach(recorder)
        #expect(try trainer.run() == .success)
        if communicator.isRankZero && start == .beginning {
          #expect(recorder.names.contains { $0.contains("the validation loss of step 15 is") })
        }
        return [trainer.parametersHash]
      }.flatMap(\.self)
    }
    _ = try train(20, .beginning)
    let saved = try #require(try directory.checkpoints.newestComplete().found)
    #expect(try saved.state().step == 20)
    // What is not finite is never the best.
    #expect(try saved.state().bestValidationLoss == nil)
    let resumed = try train(40, .newestCheckpoint)
    let state = try #require(try directory.checkpoints.newestComplete().found).state()
    #expect(state.step == 40)
    #expect(state.bestValidationLoss?.isFinite == true)
    let whole = try Trainer(
      task: Task(), plan: .regression(), communicator: SoloCommunicator(), observers: [])
    _ = try whole.run()
    #expect(Set(resumed) == [whole.parametersHash])
  }

  /// No run writes it, for what is not finite is never the best.
  @Test(arguments: [0.5, .infinity, .nan]) func aBestLossOfAStateIsFinite(loss: Double) throws {
    let state = TrainingState(
      step: 3, tokens: 4, seed: 1, configurationSHA256: String(repeating: "0", count: 64),
      bestValidationLoss: loss, bestStep: 2)
    let folder = try TemporaryFolder()
    let path = folder.path + "/checkpoints"
    let directory = CheckpointDirectory(path: path)
    let written = try directory.write(
      CheckpointSnapshot(parameters: [], optimizerState: [], state: state))
    if loss.isFinite {
      #expect(try written.state() == state)
    } else {
      let error = #expect(throws: CheckpointError.self) { try written.state() }
      #expect("\(String(describing: error))".contains("best_validation_loss"))
    }
  }

  /// Steps of a useful size but for the last one, whose update is infinite though its gradient is not.
  private func diverging(at last: Int) -> Task {
    Task(LinearRegression { loss, step, _ in loss * (step + 1 == last ? 1e20 : 1e-37) })
  }

  @Test(arguments: [1, 2, 3], [20, 40])
  func anUpdateThatDivergesIsNeverSaved(ranks: Int, last: Int) throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let errors = try InProcessGroup(size: ranks).run { communicator -> [String] in
      var plan = Plan.regression(steps: 40)
      plan.optimizer.method = .sgd(SGD())
      plan.optimizer.learningRate = 1e36
      plan.optimizer.clipNorm = 0
      plan.evaluate.every = 0
      let trainer = try Trainer(
        task: diverging(at: last), plan: plan, communicator: communicator, directory: directory,
        observers: [])
      let error = #expect(throws: AgreedError.self) { try trainer.run() }
      guard case .parameter(let step, let name)? = error?.underlying as? NotFiniteError else {
        Issue.record("\(String(describing: error))")
        return []
      }
      #expect(error?.exitCode == .failure && error?.speaks == communicator.isRankZero)
      return ["\(step) \(name)"]
    }.flatMap(\.self)
    #expect(Set(errors).count == 1)
    #expect(errors.first?.hasPrefix("\(last) linear.") == true)
    let kept = try #require(try directory.checkpoints.newestComplete().found)
    #expect(try kept.state().step == last - 10)
  }
}
