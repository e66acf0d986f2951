// B samples, C classes.

import LockstepDatasets
import LockstepTensors

/// The right class of each sample.
struct ClassificationObjective: Objective {
  enum Loss {
    case crossEntropy(labelSmoothing: Double)
    case divergence(labelSmoothing: Double)
    case binaryCrossEntropy
  }

  let loss: Loss
  let classCount: Int
  /// k of the top-k accuracy, below the number of classes; nil: it is not measured.
  let topK: Int?

  var metrics: [Metric] {
    var metrics: [Metric] = [.accuracy]
    if let topK { metrics.append(.topAccuracy(topK)) }
    switch loss {
    // Held-out labels are not smoothed, and the divergence of one class is the cross-entropy.
    case .crossEntropy, .divergence: metrics.append(.perplexity)
    case .binaryCrossEntropy: break
    }
    return metrics
  }

  func loss(of outputs: Tensor, for batch: SampleBatch, isTraining: Bool) -> Tensor {
    switch loss {
    case .crossEntropy(let smoothing):
      return outputs.softmaxCrossEntropy(
        targets: Indices(batch.classes, shape: [batch.count]),
        labelSmoothing: isTraining ? smoothing : 0)
    case .divergence(let smoothing):
      return outputs.divergence(
        from: answers(to: batch, like: outputs, smoothing: isTraining ? smoothing : 0))
    case .binaryCrossEntropy:
      return outputs.binaryCrossEntropy(to: answers(to: batch, like: outputs, smoothing: 0))
    }
  }

  /// What the outputs are to be: 1 - ε for the right class, and ε shared by all alike, [B, C].
  private func answers(
    to batch: SampleBatch, like outputs: Tensor, smoothing: Double
  ) -> Tensor {
    var answers = [Float](
      repeating: Float(smoothing / Double(classCount)), count: batch.count * classCount)
    for (row, target) in batch.classes.enumerated() {
      answers[row * classCount + Int(target)] += Float(1 - smoothing)
    }
    return Tensor(answers, shape: outputs.shape, in: outputs.workspace)
  }

  func sums(of outputs: Tensor, for batch: SampleBatch) -> [Double] {
    ([1] + (topK.map { [$0] } ?? [])).map {
      Double(outputs.countOfTargets(amongHighest: $0, targets: batch.classes))
    }
  }
}
