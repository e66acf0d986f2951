import Foundation

/// What a loss is of, and so what of it is nearly normal over models.
package enum LossScale {
  /// -log p of a class: log(p / (1 - p)) is.
  case classes
  /// An error squared: minus the error is.
  case values
  /// The mean of many: minus itself is.
  case tokens

  package func scaled(_ loss: Double) -> Double {
    switch self {
    case .classes: -log(expm1(min(max(loss, 1e-7), 50)))
    case .values: -max(loss, 0).squareRoot()
    case .tokens: -loss
    }
  }
}

/// How much a model's losses speak for membership, beside those of models of which is known what they have seen.
package struct ReferenceScores {
  /// The mean loss of models that have not seen a sample, less the model's.
  package let differences: [Double]
  /// The logarithm of how much likelier the loss is with the sample than without; zeros where deviations can not
  /// be told.
  package let likelihoodRatios: [Double]

  /// - Parameters:
  ///   - losses: Of the model, one for each sample.
  ///   - references: For each sample some have seen it and some have not.
  ///   - scale: What is compared in the losses' place.
  package init(
    _ losses: [Double], _ references: [(hasSeen: [Bool], losses: [Double])], scale: LossScale
  ) {
    differences = losses.indices.map { sample in
      let without = references.filter { !$0.hasSeen[sample] }.map { $0.losses[sample] }
      return without.reduce(0, +) / Double(max(1, without.count)) - losses[sample]
    }
    let inside = Self.distributions(references, count: losses.count, seen: true, scale.scaled)
    let outside = Self.distributions(references, count: losses.count, seen: false, scale.scaled)
    likelihoodRatios = losses.indices.map { sample in
      guard let inside, let outside else { return 0 }
      let value = scale.scaled(losses[sample])
      return inside[sample].logDensity(value) - outside[sample].logDensity(value)
    }
  }

  /// Each sample's mean, and one deviation for all.
  ///
  /// - Returns: Nil where no sample has two values.
  private static func distributions(
    _ references: [(hasSeen: [Bool], losses: [Double])], count: Int, seen: Bool,
    _ scaled: (Double) -> Double
  ) -> [NormalDistribution]? {
    var (squares, freedom) = (0.0, 0)
    let means = (0..<count).map { sample in
      let values = references.filter { $0.hasSeen[sample] == seen }
        .map { scaled($0.losses[sample]) }
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      squares += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      freedom += max(0, values.count - 1)
      return mean
    }
    guard freedom > 0, squares > 0 else { return nil }
    let deviation = (squares / Double(freedom)).squareRoot()
    return means.map { NormalDistribution(mean: $0, deviation: deviation) }
  }
}
