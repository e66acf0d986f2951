// q sampling rate, σ noise multiplier, h mesh, T steps.

import Foundation

/// The distribution of one step's privacy loss, log P(x) / Q(x) for x from P, on a mesh: never less private than
/// the step, almost as private as it.
///
/// "Connecting the dots" (V. Doroshenko et al., 2022): the loss between two points of the mesh becomes one or the
/// other, in the shares with which P and Q keep what they had there. For every ε the mesh's δ is then that of the
/// step at the points of the mesh, and between them on a line above it. So it is an upper bound, and stays one
/// when steps are composed.
struct PrivacyLossDistribution {
  /// Which of two neighbours is P.
  enum Direction: CaseIterable {
    /// The data set with the sample: (1 - q) N(0, σ²) + q N(1, σ²) against N(0, σ²).
    case removal
    /// The one without: N(0, σ²) against the mixture.
    case addition
  }

  /// h.
  let mesh: Double
  /// The least loss, in h.
  let first: Int
  /// P of each loss, from the least on.
  let masses: [Double]
  /// P of what is beyond the largest.
  let infinite: Double

  /// - Parameters:
  ///   - mesh: h, above 0.
  ///   - tail: The most that `infinite` may be.
  init(of step: SubsampledGaussian, _ direction: Direction, mesh: Double, tail: Double) {
    let (rate, noise) = (step.rate, step.noise)
    self.mesh = mesh
    let ends = Self.ends(of: step, tail: tail)
    let sign: Double = direction == .removal ? 1 : -1
    let least = Int((min(sign * ends[0], sign * ends[1]) / mesh).rounded(.down))
    let most = Int((max(sign * ends[0], sign * ends[1]) / mesh).rounded(.up))
    var masses = [Double](repeating: 0, count: most - least + 1)
    func mixture(_ from: Double, _ to: Double) -> Double {
      (1 - rate) * normalMass(from / noise, to / noise)
        + rate * normalMass((from - 1) / noise, (to - 1) / noise)
    }
    func plain(_ from: Double, _ to: Double) -> Double { normalMass(from / noise, to / noise) }
    var place = step.sample(atLogRatio: sign * Double(least) * mesh)
    let outside: Double
    let end = step.sample(atLogRatio: sign * Double(most) * mesh)
    switch direction {
    case .removal: (outside, infinite) = (mixture(-.infinity, place), mixture(end, .infinity))
    case .addition: (outside, infinite) = (plain(place, .infinity), plain(-.infinity, end))
    }
    // What is less than the least loss counts as that.
    masses[0] = outside
    for index in least..<most {
      let next = step.sample(atLogRatio: sign * Double(index + 1) * mesh)
      let (from, to) = (min(place, next), max(place, next))
      place = next
      let p = direction == .removal ? mixture(from, to) : plain(from, to)
      let q = direction == .removal ? plain(from, to) : mixture(from, to)
      // upper + lower = p, and upper e^-(loss + h) + lower e^-loss = q.
      let scaled = q > 0 ? exp(Double(index) * mesh + log(q)) : 0
      let upper = min(max(0, (p - scaled) / -expm1(-mesh)), p)
      masses[index - least] += p - upper
      masses[index - least + 1] += upper
    }
    (first, self.masses) = (least, masses)
  }

  /// The logarithms of the ratio between which all is: no normal number of P or Q is further out but with less
  /// than the probability `tail`.
  private static func ends(of step: SubsampledGaussian, tail: Double) -> [Double] {
    let reach = step.noise * (-2 * log(tail)).squareRoot()
    return [-reach, 1 + reach].map { step.logRatio(at: $0) }
  }

  /// The width of the losses, from the least to the largest.
  static func width(of step: SubsampledGaussian, tail: Double) -> Double {
    let ends = ends(of: step, tail: tail)
    return ends[1] - ends[0]
  }

  /// The loss's standard deviation, about.
  static func deviation(of step: SubsampledGaussian, _ direction: Direction) -> Double {
    let (count, reach) = (4000, 9 * step.noise)
    let width = (1 + 2 * reach) / Double(count)
    var (total, sum, squares) = (0.0, 0.0, 0.0)
    for index in 0..<count {
      let x = -reach + (Double(index) + 0.5) * width
      func density(_ x: Double) -> Double { exp(-x * x / (2 * step.noise * step.noise)) }
      let ratio = step.logRatio(at: x)
      let loss = direction == .removal ? ratio : -ratio
      let mass =
        direction == .removal
        ? (1 - step.rate) * density(x) + step.rate * density(x - 1) : density(x)
      (total, sum, squares) = (total + mass, sum + mass * loss, squares + mass * loss * loss)
    }
    let mean = sum / total
    return max(0, squares / total - mean * mean).squareRoot()
  }

  /// log of the mean of e^(λ loss), of finite losses.
  func logMoment(_ lambda: Double) -> Double {
    let outermost =
      lambda > 0 ? masses.lastIndex { $0 > 0 } : masses.firstIndex { $0 > 0 }
    guard let outermost else { return 0 }
    let largest = lambda * mesh * Double(first + outermost)
    var sum = 0.0
    for (index, mass) in masses.enumerated() where mass > 0 {
      sum += mass * exp(lambda * mesh * Double(first + index) - largest)
    }
    return largest + log(sum)
  }
}

extension SubsampledGaussian {
  /// log((1 - q) + q e^((2x - 1) / 2σ²)).
  func logRatio(at x: Double) -> Double {
    let exponent = (2 * x - 1) / (2 * noise * noise)
    if rate == 1 { return exponent }
    if exponent > 30 {
      return log(rate) + exponent + log1p((1 - rate) / rate * exp(-exponent))
    }
    return log1p(rate * expm1(exponent))
  }

  /// Where the ratio has this logarithm; -∞ for one that it never has.
  func sample(atLogRatio ratio: Double) -> Double {
    if rate == 1 { return noise * noise * ratio + 0.5 }
    if ratio > 30 {
      return noise * noise * (ratio - log(rate) + log1p((rate - 1) * exp(-ratio))) + 0.5
    }
    let share = expm1(ratio) / rate
    return share <= -1 ? -.infinity : noise * noise * log1p(share) + 0.5
  }
}

/// The standard normal distribution's probability of what is between two numbers.
private func normalMass(_ from: Double, _ to: Double) -> Double {
  guard from < to else { return 0 }
  // In the right tail, where differences of erfc have all their digits.
  if from < 0 && to <= 0 { return normalMass(-to, -from) }
  return max(0, 0.5 * (erfc(from / 2.0.squareRoot()) - erfc(to / 2.0.squareRoot())))
}
