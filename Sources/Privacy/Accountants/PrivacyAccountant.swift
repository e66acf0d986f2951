// q sampling rate, σ noise multiplier, T steps.

import LockstepSettings

/// One step of a private training: a sum of clipped gradients of samples that were each drawn with probability
/// q, plus normal noise of σ times the clip.
///
/// Two data sets are neighbours where one has a sample more than the other. Neither q nor σ may depend on the
/// data.
package struct SubsampledGaussian: Equatable, Sendable {
  /// q that accountants can compute with: smaller ones vanish beside 1.
  package static let rates = Requirement<Double>.within(1e-12...1)

  /// q, in 0 < q ≤ 1.
  package let rate: Double
  /// σ, above 0.
  package let noise: Double

  package init(rate: Double, noise: Double) {
    precondition(0 < rate && rate <= 1 && noise > 0, "a rate of \(rate) and noise of \(noise)")
    (self.rate, self.noise) = (rate, noise)
  }
}

/// Says what steps add up to.
package protocol PrivacyAccountant: Sendable {
  /// ε of T steps at δ, never less than the true one but for the rounding of doubles; infinite where nothing
  /// can be promised.
  func epsilon(afterSteps steps: Int, delta: Double) -> Double
}

extension AccountantName {
  package func accountant(of step: SubsampledGaussian) -> any PrivacyAccountant {
    switch self {
    case .prv: PrivacyLossAccountant(of: step)
    case .rdp: RenyiAccountant(of: step)
    }
  }

  /// ε of T steps at δ.
  ///
  /// - Throws: `PrivacyError.roundedDelta` where PRV finds none.
  package func epsilon(
    of step: SubsampledGaussian, afterSteps steps: Int, delta: Double
  ) throws(PrivacyError) -> Double {
    let epsilon = accountant(of: step).epsilon(afterSteps: steps, delta: delta)
    guard self != .prv || epsilon.isFinite else {
      throw .roundedDelta(delta: delta, steps: steps)
    }
    return epsilon
  }

  /// What is said of it on the console: "PRV".
  package var label: String { rawValue.uppercased() }
}
