// h mesh, T steps, N points.

import CLockstepKernels
import Foundation

/// Composes the distribution of the privacy loss by Fourier transforms.
///
/// S. Gopi, Y. T. Lee and L. Wutschitz, "Numerical Composition of Differential Privacy", 2021, but for how a step's
/// loss is put on the mesh: so that the result is an upper bound by construction (`PrivacyLossDistribution`), and
/// not one after an error has been added. What else could make it too low is added to δ: losses that are beyond the
/// mesh, sums that the transform brings back at the other end, and the rounding of doubles.
///
/// How much too high: splitting a loss between two points adds h²/6 of variance on the average, and h is 1/40 of
/// the loss's deviation, so that ε is about 0.01 % above the exact one. docs/privacy.md compares.
package struct PrivacyLossAccountant: PrivacyAccountant {
  private let step: SubsampledGaussian

  package init(of step: SubsampledGaussian) { self.step = step }

  package func epsilon(afterSteps steps: Int, delta: Double) -> Double {
    guard steps > 0 else { return 0 }
    return PrivacyLossDistribution.Direction.allCases.map {
      epsilon(afterSteps: steps, delta: delta, $0)
    }.max() ?? .infinity
  }

  /// Points of the mesh in a deviation of the loss.
  private static let pointsPerDeviation = 40.0
  /// The most points of a transform.
  private static let mostPoints = Double(1 << 22)
  /// The most points of one step's distribution.
  private static let mostLosses = Double(1 << 18)
  /// The share of δ that each of two truncations may take.
  private static let truncated = 1e-5

  private func epsilon(
    afterSteps steps: Int, delta: Double, _ direction: PrivacyLossDistribution.Direction
  ) -> Double {
    // The rounding of so many steps alone: below, all of it is taken off δ.
    guard 0x1p-52 * Double(steps) < delta else { return .infinity }
    let deviation = PrivacyLossDistribution.deviation(of: step, direction)
    let tail = Self.truncated * delta
    // With very little noise nearly all losses are the same, and the others far away.
    let width = PrivacyLossDistribution.width(of: step, tail: tail / Double(steps))
    var mesh = max(deviation / Self.pointsPerDeviation, width / Self.mostLosses)
    while true {
      let distribution = PrivacyLossDistribution(
        of: step, direction, mesh: mesh, tail: tail / Double(steps))
      // The moments of a coarser mesh are larger, for its losses are spread further: a bound on these, too.
      let coarse = PrivacyLossDistribution(
        of: step, direction, mesh: 16 * mesh, tail: tail / Double(steps))
      let window = Self.window(of: coarse, steps: steps, tail: tail, mesh: mesh)
      let points = window.upperBound - window.lowerBound + 1
      guard points.isFinite else { return .infinity }
      guard points <= Self.mostPoints, abs(window.lowerBound) < 0x1p62 else {
        mesh *= 2
        continue
      }
      var count = 2
      while count < Int(points) { count *= 2 }
      let composed = Self.composed(distribution, steps: steps, count: count)
      let lost =
        Double(steps) * distribution.infinite + tail
        + 0x1p-52 * log2(Double(count)) * (Double(steps) + log2(Double(count)))
      return Self.epsilon(
        delta: delta - lost, losses: composed, from: Int(window.lowerBound), mesh: mesh)
    }
  }

  /// Between which points, in `mesh`, the sum of T losses is, but with a probability of `tail` on either side
  /// (Chernoff's bound).
  private static func window(
    of distribution: PrivacyLossDistribution, steps: Int, tail: Double, mesh: Double
  ) -> ClosedRange<Double> {
    /// The least bound that some λ gives, of one sign.
    func bound(_ sign: Double) -> Double {
      let reach = max(
        distribution.mesh * Double(max(abs(distribution.first), distribution.masses.count)), 1e-9)
      var (best, lambda) = (Double.infinity, 1e-3 / reach)
      // Losses are of very different sizes; the bound is convex in the logarithm of λ, about.
      var sinceBest = 0
      while lambda < 1e9 / reach, sinceBest < 12 {
        let value =
          (Double(steps) * distribution.logMoment(sign * lambda) - log(tail)) / lambda
        if value < best { (best, sinceBest) = (value, 0) } else { sinceBest += 1 }
        lambda *= 1.3
      }
      return best
    }
    let low = (-bound(-1) / mesh).rounded(.down)
    let high = (bound(1) / mesh).rounded(.up)
    return low...max(low, high)
  }

  /// The masses of T steps, of the losses j h for j = 0, 1, … modulo N.
  private static func composed(
    _ distribution: PrivacyLossDistribution, steps: Int, count: Int
  ) -> [Double] {
    var real = [Double](repeating: 0, count: count)
    var imaginary = real
    for (index, mass) in distribution.masses.enumerated() {
      real[((distribution.first + index) % count + count) % count] += mass
    }
    real.withUnsafeMutableBufferPointer { real in
      imaginary.withUnsafeMutableBufferPointer { imaginary in
        guard let re = real.baseAddress, let im = imaginary.baseAddress else { return }
        CKernels_fourierTransform(re, im, Int64(count), 0)
        CKernels_complexPower(re, im, Int64(count), Int64(steps))
        CKernels_fourierTransform(re, im, Int64(count), 1)
      }
    }
    return real.map { max(0, $0 / Double(count)) }
  }

  /// The least ε ≥ 0 at which Σ p (1 - e^(ε - loss)), over losses above ε, is at most δ.
  ///
  /// - Parameter from: The first loss of the window, in h: masses are those of losses modulo their number.
  private static func epsilon(
    delta: Double, losses masses: [Double], from first: Int, mesh: Double
  ) -> Double {
    guard delta > 0 else { return .infinity }
    // Σ p and Σ p e^-loss over what is above; the second relative to the largest loss.
    var (above, weighted) = (0.0, 0.0)
    for offset in stride(from: masses.count - 1, through: 0, by: -1) {
      let point = first + offset
      let loss = Double(point) * mesh
      // δ at ε = loss.
      if above - weighted > delta {
        // Between this point and the next: above - e^(ε - next) weighted' = δ.
        return max(0, loss + log((above - delta) / weighted))
      }
      if loss < 0 { return 0 }
      let mass = masses[(point % masses.count + masses.count) % masses.count]
      above += mass
      // `weighted` is Σ p e^(loss - its loss), for the point below it next.
      weighted = (weighted + mass) * exp(-mesh)
    }
    return max(0, Double(first) * mesh)
  }
}
