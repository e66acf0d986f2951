// B examples, D width, F feed-forward width.

import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import TestSupport

/// A network whose parameters fill several blocks of the flat buffer, so that every one of four ranks
/// has a slice, and tensors are cut by slices.
struct DeepNetwork: Module {
  let first = Linear(inputs: 96, outputs: 700, activation: .relu)
  let second = Linear(inputs: 700, outputs: 260, activation: .relu)
  let last = Linear(inputs: 260, outputs: 3)

  /// - Parameter x: [B, 96].
  /// - Returns: [B, 3].
  func callAsFunction(_ x: Tensor) -> Tensor { last(second(first(x))) }
}

/// Least squares on random numbers, the same or others at each step.
final class DeepRegression: TrainingTask {
  let network = DeepNetwork()
  private let isFullBatch: Bool

  /// - Parameter isFullBatch: Whether all steps have the same examples.
  init(isFullBatch: Bool = false) {
    self.isFullBatch = isFullBatch
  }

  var model: any Module { network }

  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    let seed = (isFullBatch ? 0 : 100 * step) + microbatch
    return BatchLoss(sum: squaredError(seed: UInt64(seed), in: workspace), targetCount: 4)
  }

  let evaluationBatchCount = 2

  func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
    BatchLoss(sum: squaredError(seed: UInt64(1_000_000 + batch), in: workspace), targetCount: 4)
  }

  private func squaredError(seed: UInt64, in workspace: Workspace) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    let inputs = Tensor(generator.normals(4 * 96), shape: [4, 96], in: workspace)
    let targets = Tensor(generator.normals(4 * 3), shape: [4, 3], in: workspace)
    let difference = network(inputs) - targets  // [B, 3]
    return (difference * difference).sum()
  }
}
