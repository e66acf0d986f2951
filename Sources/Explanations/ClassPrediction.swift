// C classes.

import Foundation
import LockstepTraining

/// What a classifier says of a sample.
public struct ClassPrediction: Codable, Sendable, Equatable {
  /// [C].
  public let classes: [String]
  /// [C].
  public let probabilities: [Double]
  /// The number of the class that is explained.
  public let target: Int
  /// The target's score.
  public let logit: Double

  init(classes: [String], scores: [Float], target: Int, asksOfEach: Bool) {
    self.classes = classes
    self.target = target
    probabilities = Self.probabilities(scores, asksOfEach: asksOfEach)
    logit = Double(scores[target]).rounded(decimals: 6)
  }

  /// - Parameter asksOfEach: Whether the loss asks of each class by itself whether it is the one; else their
  ///   probabilities add up to 1.
  static func probabilities(_ scores: [Float], asksOfEach: Bool) -> [Double] {
    let distribution = Distribution(scores)
    return scores.indices.map {
      (asksOfEach ? 1 / (1 + exp(-Double(scores[$0]))) : distribution.probability(of: $0))
        .rounded(decimals: 6)
    }
  }
}
