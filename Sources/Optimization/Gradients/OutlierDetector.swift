import LockstepSettings

/// Tells a step whose loss or gradient norm is far above those of the steps before.
///
///     z = (x - mean) / deviation
///
/// Mean and deviation are running ones: with a window of N, a step enters them with a weight of 1/N,
/// and the first N have equal weights. An outlier enters them cut down to
/// the limit: a lasting change is let through after some steps.
public struct OutlierDetector: Encodable, Equatable, Sendable, Configurable {
  /// Running mean and variance of one number.
  struct Statistics: Encodable, Equatable, Sendable, Configurable {
    private(set) var count = 0
    private(set) var mean = 0.0
    private(set) var variance = 0.0

    /// Far above what sums of Floats come to, and squares of differences are still finite.
    static var fields: [Field<Self>] {
      [
        Field("count", \.count, .count(from: 0), meaning: "Values so far."),
        Field("mean", \.mean, .within(-1e100...1e100), meaning: "Their running mean."),
        Field(
          "variance", \.variance, .within(0...1e200), meaning: "Their running variance."),
      ]
    }

    /// z, and 0 while there are fewer values than the window has.
    func score(_ value: Double, window: Int) -> Double {
      guard count >= window, variance > 0 else { return 0 }
      return (value - mean) / variance.squareRoot()
    }

    mutating func add(_ value: Double, window: Int) {
      count = min(count + 1, Requirement<Int>.largestCount)
      let rate = 1 / Double(min(count, window))
      let difference = value - mean
      mean += rate * difference
      variance = (1 - rate) * (variance + rate * difference * difference)
    }

    /// The value, or mean + limit · deviation where it lies above.
    func cut(_ value: Double, limit: Double, window: Int) -> Double {
      score(value, window: window) > limit
        ? mean + limit * variance.squareRoot() : value
    }
  }

  private var loss = Statistics()
  private var norm = Statistics()

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("loss", \.loss, meaning: "Of the steps' losses."),
      Field("norm", \.norm, meaning: "Of the norms of their gradients."),
    ]
  }

  /// Takes in a step.
  ///
  /// - Parameters:
  ///   - limit: The largest z that is no outlier, above 0.
  ///   - window: N: a step's weight in mean and deviation is 1/N; the first N are no outliers.
  /// - Returns: What lies above the limit, in words; nil where nothing does.
  public mutating func outlier(
    loss lossValue: Double, norm normValue: Double, limit: Double, window: Int
  ) -> String? {
    let scores = [
      ("loss", lossValue, loss.score(lossValue, window: window)),
      ("gradient norm", normValue, norm.score(normValue, window: window)),
    ]
    loss.add(loss.cut(lossValue, limit: limit, window: window), window: window)
    norm.add(norm.cut(normValue, limit: limit, window: window), window: window)
    return scores.first { $0.2 > limit }.map { name, value, score in
      "its \(name) of \(value) lies \((score * 10).rounded() / 10) standard deviations above the mean"
    }
  }
}
