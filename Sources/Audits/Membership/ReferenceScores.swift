import Foundation

/// How much a model's losses speak for membership, beside those of models of which is known what they have seen.
struct ReferenceScores {
  /// The mean loss of models that have not seen a sample, less the model's.
  let differences: [Double]
  /// The logarithm of how much likelier the loss is with the sample than without; zeros where deviations can not
  /// be told.
  let likelihoodRatios: [Double]

  /// - Parameters:
  ///   - losses: Of the model, one for each sample.
  ///   - references: For each sample some have seen it and some have not.
  ///   - isOfClasses: Whether losses are -log p of a class: then log(p / (1 - p)) is compared, which is nearly
  ///     normal.
  init(
    _ losses: [Double], _ references: [(hasSeen: [Bool], losses: [Double])], isOfClasses: Bool
  ) {
    func scaled(_ loss: Double) -> Double {
      isOfClasses ? -log(expm1(min(max(loss, 1e-7), 50))) : -loss
    }
    differences = losses.indices.map { sample in
      let without = references.filter { !$0.hasSeen[sample] }.map { $0.losses[sample] }
      return without.reduce(0, +) / Double(max(1, without.count)) - losses[sample]
    }
    let inside = Self.distributions(references, count: losses.count, seen: true, scaled)
    let outside = Self.distributions(references, count: losses.count, seen: false, scaled)
    likelihoodRatios = losses.indices.map { sample in
      guard let inside, let outside else { return 0 }
      let value = scaled(losses[sample])
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
