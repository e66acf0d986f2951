extension Metric {
  /// R²: the share of the values' variance that the predictions explain. 1 is perfect, 0 is as good
  /// as always predicting the mean.
  ///
  ///     R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)²,    Σ (y - ȳ)² = Σ d² - (Σ d)² / n with d = y - c
  ///
  /// for any c; one near the mean ȳ costs the fewest digits. Its sums: those of `determinationSums`.
  /// Not defined where all values are equal.
  public static let determination = Metric("r2", sumCount: 3) { loss, sums in
    let variation = sums[1] - sums[0] * sums[0] / Double(max(1, loss.targetCount))
    return variation > 0 ? 1 - sums[2] / variation : nil
  }

  /// What a batch adds to R²: Σ d, Σ d² and Σ (y - ŷ)².
  ///
  /// - Parameters:
  ///   - predictions: ŷ.
  ///   - values: y, as many.
  ///   - centre: c.
  public static func determinationSums(
    predictions: [Float], values: [Float], centre: Double
  ) -> [Double] {
    precondition(predictions.count == values.count, "a prediction for each value")
    var sums = [0.0, 0, 0]
    for (prediction, value) in zip(predictions, values) {
      let distance = Double(value) - centre
      let error = Double(value) - Double(prediction)
      sums[0] += distance
      sums[1] += distance * distance
      sums[2] += error * error
    }
    return sums
  }
}
