/// A number that was measured, and its standard error.
public struct Estimate: Encodable, Sendable, Equatable {
  public let value: Double
  public let error: Double

  /// The difference of two means.
  ///
  /// - Parameters:
  ///   - first: At least two numbers.
  ///   - second: Likewise.
  package static func difference(_ first: [Double], _ second: [Double]) -> Estimate {
    let (left, right) = (Moments(first), Moments(second))
    return Estimate(
      value: left.mean - right.mean,
      error: (left.variance / Double(first.count) + right.variance / Double(second.count))
        .squareRoot())
  }

  /// The standard deviation of normal numbers, at least two.
  package static func deviation(_ numbers: [Double]) -> Estimate {
    let deviation = Moments(numbers).variance.squareRoot()
    return Estimate(
      value: deviation, error: deviation / (2 * Double(max(1, numbers.count - 1))).squareRoot())
  }

  package func divided(by divisor: Double) -> Estimate {
    Estimate(value: value / divisor, error: error / divisor)
  }
}

/// The moments of some numbers.
private struct Moments {
  package let mean: Double
  package let variance: Double

  package init(_ numbers: [Double]) {
    let count = Double(numbers.count)
    let mean = numbers.reduce(0, +) / count
    self.mean = mean
    variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
  }
}
