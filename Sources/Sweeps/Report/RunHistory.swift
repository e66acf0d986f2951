import Foundation
import LockstepFiles
import LockstepReporting

/// The losses of a run, from its `metrics.jsonl`.
package struct RunHistory {
  /// A loss that was not finite is nil: there is no place for it in a curve.
  package struct Step: Decodable, Equatable {
    package let step: Int
    package let loss: Double?
    package let learningRate: Double

    enum CodingKeys: String, CodingKey {
      case step, loss
      case learningRate = "learning_rate"
    }
  }

  package struct Evaluation: Decodable, Equatable {
    package let step: Int
    package let loss: Double?

    enum CodingKeys: String, CodingKey {
      case step
      case loss = "validation_loss"
    }
  }

  package private(set) var steps: [Step] = []
  package private(set) var evaluations: [Evaluation] = []

  /// Reads the file; one that is not there has no lines.
  package init(path: String) throws(MetricsError) {
    let decoder = JSONFormat.decoder
    for line in try MetricsFile.lines(of: path) {
      if let step = try? decoder.decode(Step.self, from: line) {
        steps.append(
          Step(step: step.step, loss: step.loss?.ifFinite, learningRate: step.learningRate))
      } else if let evaluation = try? decoder.decode(Evaluation.self, from: line) {
        evaluations.append(Evaluation(step: evaluation.step, loss: evaluation.loss?.ifFinite))
      }
    }
  }
}

extension Double {
  /// Nil where it is not finite.
  fileprivate var ifFinite: Double? { isFinite ? self : nil }
}
