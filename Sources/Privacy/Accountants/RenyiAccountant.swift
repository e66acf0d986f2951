// α an order, q sampling rate, σ noise multiplier, T steps.

import Foundation

/// Adds up Rényi divergences, and converts their sum to ε at δ.
///
/// The divergence of a step is that of I. Mironov, K. Talwar and L. Zhang, "Rényi Differential Privacy of the
/// Sampled Gaussian Mechanism", 2019, sections 3.3: for whole orders a sum, for others two series. The conversion is
/// that of C. Canonne, G. Kamath and T. Steinke, "The Discrete Gaussian for Differential Privacy", 2020,
/// proposition 12:
///
///     ε = min over α of  T ε(α) + log((α - 1) / α) - (log δ + log α) / (α - 1)
package struct RenyiAccountant: PrivacyAccountant {
  /// The orders that `dp-accounting` looks at, which has those of Opacus among them.
  package static let orders =
    (1..<100).map { 1 + Double($0) / 10 } + (11..<64).map(Double.init) + [128, 256, 512, 1024]

  /// ε(α) of one step, for each order.
  package let divergences: [Double]

  package init(of step: SubsampledGaussian) {
    divergences = Self.orders.map { Self.divergence(of: step, order: $0) }
  }

  package func epsilon(afterSteps steps: Int, delta: Double) -> Double {
    guard steps > 0 else { return 0 }
    let candidates = zip(Self.orders, divergences).map { order, divergence in
      Double(steps) * divergence + log1p(-1 / order) - log(delta * order) / (order - 1)
    }
    return max(0, candidates.filter { !$0.isNaN }.min() ?? .infinity)
  }

  /// ε(α) of one step.
  static func divergence(of step: SubsampledGaussian, order: Double) -> Double {
    let (rate, noise) = (step.rate, step.noise)
    if rate == 1 { return order / (2 * noise * noise) }
    let moment =
      order == order.rounded()
      ? logMoment(rate, noise, whole: Int(order)) : logMoment(rate, noise, fractional: order)
    return moment / (order - 1)
  }

  /// log Σ_k C(α, k) (1 - q)^(α - k) q^k e^((k² - k) / 2σ²).
  private static func logMoment(_ rate: Double, _ noise: Double, whole order: Int) -> Double {
    var sum = -Double.infinity
    for k in 0...order {
      let (k, order) = (Double(k), Double(order))
      let coefficient = lgamma(order + 1) - lgamma(k + 1) - lgamma(order - k + 1)
      sum = logSum(
        sum,
        coefficient + k * log(rate) + (order - k) * log1p(-rate)
          + (k * k - k) / (2 * noise * noise))
    }
    return sum
  }

  /// The same moment for any α > 1, from its two halves around z₀ = σ² log(1/q - 1) + 1/2.
  private static func logMoment(
    _ rate: Double, _ noise: Double, fractional order: Double
  ) -> Double {
    let middle = noise * noise * log(1 / rate - 1) + 0.5
    var (below, above) = (-Double.infinity, -Double.infinity)
    // C(α, i), its sign beside its logarithm.
    var (logCoefficient, isPositive, i) = (0.0, true, 0.0)
    while true {
      let j = order - i
      let first =
        logCoefficient + i * log(rate) + j * log1p(-rate) + (i * i - i) / (2 * noise * noise)
        + logHalfErfc((i - middle) / (2.0.squareRoot() * noise))
      let second =
        logCoefficient + j * log(rate) + i * log1p(-rate) + (j * j - j) / (2 * noise * noise)
        + logHalfErfc((middle - j) / (2.0.squareRoot() * noise))
      below = isPositive ? logSum(below, first) : logDifference(below, first)
      above = isPositive ? logSum(above, second) : logDifference(above, second)
      logCoefficient += log(abs(order - i)) - log(i + 1)
      if order - i < 0 { isPositive.toggle() }
      i += 1
      if max(first, second) < -30, i > order { break }
    }
    return logSum(below, above)
  }

  private static func logSum(_ a: Double, _ b: Double) -> Double {
    let (large, small) = (max(a, b), min(a, b))
    return small == -.infinity ? large : large + log1p(exp(small - large))
  }

  /// log(eᵃ - eᵇ), of a ≥ b; where rounding has made them equal, of nothing.
  private static func logDifference(_ a: Double, _ b: Double) -> Double {
    if b == -.infinity { return a }
    return a > b ? a + log(-expm1(b - a)) : -.infinity
  }

  /// log(erfc(x) / 2), also where erfc is below the smallest double.
  private static func logHalfErfc(_ x: Double) -> Double {
    if x < 25 { return log(0.5 * erfc(x)) }
    let square = x * x
    return -square - log(2 * x * Double.pi.squareRoot())
      + log1p(-0.5 / square + 0.75 / (square * square))
  }
}
