import LockstepCommunication
import LockstepNeuralNetworks
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

/// A reduction that draws gets what it draws from in each step.
@Suite struct RoundedStepTests {
  /// Every micro-batch of every step is the same.
  private final class SameBatch: TrainingTask {
    let plane = Plane()
    var model: any Module { plane }
    let evaluationBatchCount = 1

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      let inputs = Tensor([0.25, -1.5, 0.75, 3, 0.5, -0.3], shape: [2, 3], in: workspace)
      let outputs = plane(inputs)  // [B, 1]
      return BatchLoss(sum: (outputs * outputs).sum(), targetCount: 2)
    }

    func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
      loss(step: 0, microbatch: 0, in: workspace)
    }
  }

  /// The norms of four steps that change nothing.
  private func norms(_ reduction: ReductionMethod, ranks: Int = 1) throws -> [Double] {
    var plan = Plan.regression(steps: 4, microbatches: 3)
    plan.reduction = reduction
    plan.optimizer.learningRate = 0
    let settings = plan
    return try InProcessGroup(size: ranks).run { communicator in
      let recorder = EventRecorder()
      let trainer = try Trainer(
        task: SameBatch(), plan: settings, communicator: communicator, observers: [recorder])
      _ = try trainer.run()
      return recorder.events.compactMap { event in
        guard case .step(let record) = event else { return nil }
        return record.gradientNorm
      }
    }[0]
  }

  @Test func eachStepDrawsAnew() throws {
    let exact = try norms(.canonical)
    #expect(exact.count == 4 && Set(exact).count == 1)
    let drawn = try norms(.canonicalInt8)
    #expect(Set(drawn).count == 4, "\(drawn)")
    #expect(drawn.allSatisfy { abs($0 - exact[0]) < 0.02 * exact[0] })
    #expect(try norms(.canonicalInt8, ranks: 3) == drawn)
    #expect(Set(try norms(.canonicalBfloat16)).count == 1)
  }
}
