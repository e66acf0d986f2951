import Foundation

/// Between which bounds the probability of an event lies, of which some tries were counted.
///
/// C. Clopper and E. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
/// 1934: exact, so never too narrow whatever the probability is.
package struct BinomialInterval: Equatable, Sendable {
  package let lower: Double
  package let upper: Double

  /// - Parameters:
  ///   - successes: How often it happened.
  ///   - tries: Of how many.
  ///   - tail: How likely each of the bounds may be wrong, by itself.
  package init(successes: Int, of tries: Int, tail: Double) {
    lower = Self.lower(successes: successes, of: tries, tail: tail)
    upper = Self.upper(successes: successes, of: tries, tail: tail)
  }

  /// The lower bound alone.
  package static func lower(successes: Int, of tries: Int, tail: Double) -> Double {
    precondition(tries > 0 && (0...tries).contains(successes) && tail > 0 && tail < 1)
    let (k, n) = (Double(successes), Double(tries))
    return successes == 0 ? 0 : root { IncompleteBeta.regularized($0, k, n - k + 1) - tail }
  }

  /// The upper bound alone.
  package static func upper(successes: Int, of tries: Int, tail: Double) -> Double {
    1 - lower(successes: tries - successes, of: tries, tail: tail)
  }

  /// Where a growing function of 0 ... 1 is zero.
  private static func root(of function: (Double) -> Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while high - low > 1e-13 * high {
      let middle = low + (high - low) / 2
      if function(middle) < 0 { low = middle } else { high = middle }
    }
    return low + (high - low) / 2
  }
}

/// The distribution function of the beta distribution.
package enum IncompleteBeta {
  /// I_x(a, b), by its continued fraction (Abramowitz and Stegun, 26.5.8), evaluated as W. Lentz does (1976).
  ///
  /// - Parameters:
  ///   - x: In 0 ... 1.
  ///   - a: Above 0.
  ///   - b: Above 0.
  package static func regularized(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    let logarithm = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    // The fraction converges fast on this side of the mean.
    if x > (a + 1) / (a + b + 2) { return 1 - regularized(1 - x, b, a) }
    return exp(logarithm) * fraction(x, a, b) / a
  }

  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    func safe(_ number: Double) -> Double { abs(number) < 1e-300 ? 1e-300 : number }
    var c = 1.0
    var d = 1 / safe(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...10_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / safe(1 + even * d)
      c = safe(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / safe(1 + odd * d)
      c = safe(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return result
  }
}
