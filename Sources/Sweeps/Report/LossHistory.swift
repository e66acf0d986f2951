import Foundation
import LockstepFiles
import LockstepReporting

/// The losses of a run, from its `metrics.jsonl`.
package struct LossHistory {
  /// A loss that was not finite is nil: there is no place for it in a curve.
  package struct Step: Equatable {
    package let step: Int
    package let loss: Double?
    package let learningRate: Double
  }

  package struct Evaluation: Equatable {
    package let step: Int
    package let loss: Double?
  }

  package private(set) var steps: [Step] = []
  package private(set) var evaluations: [Evaluation] = []

  /// A line; which members it has tells what it is of.
  private struct Line: Decodable {
    let step: Int
    let loss: Double?
    let learningRate: Double?
    let validationLoss: Double?

    enum CodingKeys: String, CodingKey {
      case step, loss
      case learningRate = "learning_rate"
      case validationLoss = "validation_loss"
    }
  }

  /// Reads the file; one that is not there has no lines.
  package init(path: String) throws(MetricsError) {
    let decoder = JSONFormat.decoder
    for text in try MetricsFile.lines(of: path) {
      guard let line = try? decoder.decode(Line.self, from: text) else { continue }
      if let loss = line.loss, let rate = line.learningRate {
        steps.append(Step(step: line.step, loss: loss.ifFinite, learningRate: rate))
      } else if let loss = line.validationLoss {
        evaluations.append(Evaluation(step: line.step, loss: loss.ifFinite))
      }
    }
  }
}

extension Double {
  /// Nil where it is not finite.
  fileprivate var ifFinite: Double? { isFinite ? self : nil }
}
