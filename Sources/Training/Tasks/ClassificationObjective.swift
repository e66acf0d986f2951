// B samples, C classes.

import Datasets
import Tensors

/// The right class of each sample.
struct ClassificationObjective: Objective {
  enum Loss {
    case crossEntropy(labelSmoothing: Double)
    case binaryCrossEntropy
  }

  let loss: Loss
  let classCount: Int
  /// k of the top-k accuracy, below the number of classes; nil: it is not measured.
  let topK: Int?

  var metrics: [Metric] {
    var metrics: [Metric] = [.accuracy]
    if let topK { metrics.append(.topAccuracy(topK)) }
    if case .crossEntropy = loss { metrics.append(.perplexity) }
    return metrics
  }

  func loss(of outputs: Tensor, for batch: SampleBatch, isTraining: Bool) -> Tensor {
    switch loss {
    case .crossEntropy(let smoothing):
      return outputs.softmaxCrossEntropy(
        targets: Indices(batch.classes, shape: [batch.count]),
        labelSmoothing: isTraining ? smoothing : 0)
    case .binaryCrossEntropy:
      // One for the right class, zero for all others, [B, C].
      var answers = [Float](repeating: 0, count: batch.count * classCount)
      for (row, target) in batch.classes.enumerated() {
        answers[row * classCount + Int(target)] = 1
      }
      return outputs.binaryCrossEntropy(
        to: Tensor(answers, shape: outputs.shape, in: outputs.workspace))
    }
  }

  func sums(of outputs: Tensor, for batch: SampleBatch) -> [Double] {
    ([1] + (topK.map { [$0] } ?? [])).map {
      Double(outputs.countOfTargets(amongHighest: $0, targets: batch.classes))
    }
  }
}
