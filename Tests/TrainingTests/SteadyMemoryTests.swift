import LockstepCommunication
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import Testing

/// After the second step the training loop asks for no memory.
struct SteadyMemoryTests {
  /// A language model that learns random tokens.
  private final class RandomTokens: TrainingTask {
    private let gpt: GPT
    private let context: Int

    init(_ configuration: GPTConfiguration, vocabularyCount: Int) {
      gpt = GPT(configuration, vocabularyCount: vocabularyCount)
      context = configuration.context
    }

    var model: any Module { gpt }

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      let tokens = (0..<2 * context).map { Int32(($0 * 7 + step + microbatch) % 31) }
      let targets = tokens.map { ($0 + 1) % 31 }
      let shape: Shape = [2, context]
      return BatchLoss(
        sum: gpt.loss(
          of: Indices(tokens, shape: shape), targets: Indices(targets, shape: shape)),
        targetCount: 2 * context)
    }

    let evaluationBatchCount = 3

    func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
      loss(step: 1000, microbatch: batch, in: workspace)
    }
  }

  @Test(arguments: [1, 2], [0, 4])
  func thePoolAllocatesNothingAfterTheSecondStep(ranks: Int, every: Int) throws {
    let counts = try InProcessGroup(size: ranks).run { communicator in
      var plan = Plan()
      plan.batch.microbatches = 4
      plan.steps = 20
      plan.evaluate.every = 0
      plan.synchronize.every = every
      if every > 0 { plan.synchronize.workers = 2 }
      let workspace = Workspace(threadCount: 2)
      let task = RandomTokens(
        GPTConfiguration(layers: 2, heads: 2, width: 16, context: 24, dropout: 0.1),
        vocabularyCount: 31)
      let trainer = try Trainer(
        task: task, plan: plan, communicator: communicator,
        workspace: workspace, observers: [])
      return try (0..<20).map { step in
        _ = try trainer.step.run(step: step)
        return [workspace.pool.allocationCount, workspace.pool.lentCount]
      }
    }
    for counts in counts {
      #expect(counts[1][0] > 0)
      #expect(counts[2...].allSatisfy { $0 == counts[1] }, "\(counts)")
      #expect(counts[1][1] == 0, "every buffer is back after a step")
    }
  }
}
