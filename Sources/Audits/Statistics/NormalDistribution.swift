import Foundation

/// A normal distribution, as samples' losses under models with and without them are taken to have.
package struct NormalDistribution: Sendable {
  package let mean: Double
  package let deviation: Double

  package init(mean: Double, deviation: Double) {
    precondition(deviation > 0)
    (self.mean, self.deviation) = (mean, deviation)
  }

  /// The logarithm of the density.
  package func logDensity(_ value: Double) -> Double {
    let distance = (value - mean) / deviation
    return -distance * distance / 2 - log(deviation) - log(2 * Double.pi) / 2
  }
}
