// B samples.

import LockstepDatasets
import LockstepTensors

/// The right value of each sample.
struct RegressionObjective: Objective {
  enum Loss {
    case squaredError
    case huber(delta: Double)
  }

  let loss: Loss
  /// The mean of the values learned from.
  let targetMean: Double

  let metrics: [Metric] = [.determination]

  func loss(of outputs: Tensor, for batch: SampleBatch, isTraining: Bool) -> Tensor {
    let values = Tensor(batch.values, shape: outputs.shape, in: outputs.workspace)  // [B, 1]
    return switch loss {
    case .squaredError: outputs.squaredError(to: values)
    case .huber(let delta): outputs.huberLoss(to: values, delta: delta)
    }
  }

  func sums(of outputs: Tensor, for batch: SampleBatch) -> [Double] {
    Metric.determinationSums(
      predictions: outputs.elements, values: batch.values, centre: targetMean)
  }
}
