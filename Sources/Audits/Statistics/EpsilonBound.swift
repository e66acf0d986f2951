// ε and δ of differential privacy.

import Foundation

/// How much two kinds of runs differ at least: those with a sample, and those without.
///
/// Of an (ε, δ)-private training any test that takes runs with the sample for such with probability p, and runs
/// without for such with probability q, has p ≤ e^ε q + δ, and 1 - q ≤ e^ε (1 - p) + δ. So where a test is found that
/// does better, ε is larger: M. Jagielski, J. Ullman and A. Oprea, "Auditing Differentially Private Machine Learning:
/// How Private is Private SGD?", 2020; M. Nasr et al., "Adversary Instantiation", 2021.
///
/// A test says "with" where a number of the run is above a threshold. The threshold is chosen on the even runs, and
/// p and q are bounded on the odd ones, so that the choice can not flatter the bound.
package struct EpsilonBound: Sendable, Equatable {
  /// The lower bound, at least 0.
  package let epsilon: Double
  /// Which of the statistics told most, and above which value of it.
  package let statistic: Int
  package let threshold: Double
  /// Runs with the sample that were taken for such, of how many.
  package let found: (count: Int, of: Int)
  /// Runs without it that were taken for such, of how many.
  package let mistaken: (count: Int, of: Int)

  package static func == (left: Self, right: Self) -> Bool {
    left.epsilon == right.epsilon && left.statistic == right.statistic
      && left.threshold == right.threshold && left.found == right.found
      && left.mistaken == right.mistaken
  }

  /// - Parameters:
  ///   - with: Of each statistic the numbers of runs with the sample.
  ///   - without: Likewise of runs without it.
  ///   - delta: δ.
  ///   - confidence: How likely the bound is to hold.
  package init(with: [[Double]], without: [[Double]], delta: Double, confidence: Double) {
    precondition(with.count == without.count && with.allSatisfy { $0.count > 1 })
    let tail = (1 - confidence) / 2
    var best: (statistic: Int, threshold: Double, epsilon: Double)?
    for statistic in with.indices {
      let (inside, outside) = (Self.half(with[statistic], 0), Self.half(without[statistic], 0))
      for threshold in Self.thresholds(inside + outside) {
        let epsilon = Self.epsilon(
          found: inside.count { $0 > threshold }, of: inside.count,
          mistaken: outside.count { $0 > threshold }, of: outside.count, delta: delta, tail: tail)
        if epsilon > best?.epsilon ?? -1 { best = (statistic, threshold, epsilon) }
      }
    }
    let chosen = best ?? (0, 0, 0)
    let inside = Self.half(with[chosen.statistic], 1)
    let outside = Self.half(without[chosen.statistic], 1)
    (statistic, threshold) = (chosen.statistic, chosen.threshold)
    found = (inside.count { $0 > chosen.threshold }, inside.count)
    mistaken = (outside.count { $0 > chosen.threshold }, outside.count)
    epsilon = Self.epsilon(
      found: found.count, of: found.of, mistaken: mistaken.count, of: mistaken.of, delta: delta,
      tail: tail)
  }

  /// The largest bound that so many runs could give: where every one is taken for what it is.
  ///
  /// - Parameter runs: With the sample and without it together.
  package static func largest(runs: Int, delta: Double, confidence: Double) -> Double {
    let quarter = max(1, runs / 4)
    return epsilon(
      found: quarter, of: quarter, mistaken: 0, of: quarter, delta: delta,
      tail: (1 - confidence) / 2)
  }

  /// At most some 100 of the numbers, evenly among them; the first and the last are there.
  private static func thresholds(_ numbers: [Double]) -> [Double] {
    let sorted = numbers.sorted()
    let step = max(1, sorted.count / 100)
    return stride(from: 0, to: sorted.count, by: step).map { sorted[$0] } + sorted.suffix(1)
  }

  private static func half(_ numbers: [Double], _ remainder: Int) -> [Double] {
    numbers.indices.filter { $0 % 2 == remainder }.map { numbers[$0] }
  }

  private static func epsilon(
    found: Int, of inside: Int, mistaken: Int, of outside: Int, delta: Double, tail: Double
  ) -> Double {
    let found = BinomialInterval.lower(successes: found, of: inside, tail: tail)
    let mistaken = BinomialInterval.upper(successes: mistaken, of: outside, tail: tail)
    let ratios = [(found - delta) / mistaken, (1 - mistaken - delta) / (1 - found)]
    return log(max(1, ratios[0], ratios[1]))
  }
}
