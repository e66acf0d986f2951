import Foundation

/// The losses of a run, from its `metrics.jsonl`.
package struct RunHistory {
  package struct Step: Decodable, Equatable {
    package let step: Int
    /// Nil where it was not finite.
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
  package init(path: String) {
    guard let content = FileManager.default.contents(atPath: path) else { return }
    let decoder = JSONDecoder()
    for line in content.split(separator: UInt8(ascii: "\n")) {
      // A last line that a crash cut short is no line.
      if let step = try? decoder.decode(Step.self, from: line) {
        steps.append(step)
      } else if let evaluation = try? decoder.decode(Evaluation.self, from: line) {
        evaluations.append(evaluation)
      }
    }
  }
}
