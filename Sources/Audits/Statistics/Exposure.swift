import Foundation

/// How far a secret stands out among all that could be in its place.
///
/// N. Carlini, C. Liu, Ú. Erlingsson, J. Kos and D. Song, "The Secret Sharer: Evaluating and Testing Unintended
/// Memorization in Neural Networks", 2019: the exposure of a secret s in a space R is
///
///     log2 |R| - log2 rank(s),
///
/// where the rank counts from 1 how many of R the model finds at least as likely. Of a model that has not seen s all
/// ranks are equally likely, so that an exposure of e bits or more has probability 2^-e.
package struct Exposure: Sendable, Equatable {
  /// The secret's place among those that it was compared with, itself included; ties count for half.
  package let rank: Double
  /// How many there were, itself included.
  package let count: Int

  /// - Parameters:
  ///   - loss: Of the secret.
  ///   - others: Losses of others of the space: all, or a random sample of them.
  package init(loss: Double, among others: [Double]) {
    let (lower, equal) = others.reduce(into: (0, 0)) { counts, other in
      if other < loss { counts.0 += 1 } else if other == loss { counts.1 += 1 }
    }
    rank = 1 + Double(lower) + Double(equal) / 2
    count = others.count + 1
  }

  /// In bits, at most log2 of the count.
  package var bits: Double { log2(Double(count)) - log2(rank) }

  /// How likely secrets that nobody has seen are as exposed, on the average, as these: -log of a uniform rank is
  /// exponential, and the sum of n of them has a gamma distribution.
  package static func chance(of exposures: [Exposure]) -> Double {
    precondition(!exposures.isEmpty)
    let sum = exposures.reduce(0) { $0 + $1.bits } * log(2)
    // P(Poisson(sum) < n).
    var (term, total) = (exp(-sum), 0.0)
    for index in 0..<exposures.count {
      total += term
      term *= sum / Double(index + 1)
    }
    return min(1, total)
  }
}
