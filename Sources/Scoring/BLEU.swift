import Foundation

/// BLEU of a corpus (Papineni et al., 2002), as sacrebleu computes it by default: up to four words,
/// case kept, precisions of nothing smoothed exponentially.
///
///     BLEU = 100 · min(1, e^(1 - r / c)) · (p₁ p₂ p₃ p₄)^(1/4)
///
/// c and r are the words of all hypotheses and of their references, pₙ the fraction of the
/// hypotheses' n-grams that a reference has. The k-th order without a match counts 1 / 2ᵏ of one.
public struct BLEU: Sendable, Hashable {
  static let orders = 4

  public let tokenization: WordTokenization

  /// - Parameter tokenization: Default: 13a.
  public init(_ tokenization: WordTokenization = .thirteenA) {
    self.tokenization = tokenization
  }

  /// How sacrebleu names this way of counting, but for the version.
  ///
  /// - Parameter references: Of each line.
  public func signature(references: Int) -> String {
    "nrefs:\(references)|case:mixed|eff:no|tok:\(tokenization.rawValue)|smooth:exp"
  }

  /// What the score is computed from, for one line.
  ///
  /// - Parameters:
  ///   - hypothesis: What is judged.
  ///   - references: At least one.
  public func statistics(of hypothesis: String, references: [String]) -> Statistics {
    precondition(!references.isEmpty, "a line is compared with at least one reference")
    var numbers = WordNumbers()
    let words = numbers(tokenization.words(scalars: hypothesis))
    let expected = references.map { numbers(tokenization.words(scalars: $0)) }
    var result = Statistics()
    result.hypothesisLength = words.count
    // The reference of the nearest length; of two, the shorter.
    result.referenceLength =
      expected.map(\.count).min {
        (abs($0 - words.count), $0) < (abs($1 - words.count), $1)
      } ?? 0
    for order in 1...Self.orders {
      let found = NGramCounts(of: words, order: order)
      var known = NGramCounts(of: expected[0], order: order)
      for other in expected.dropFirst() {
        known.formUnion(NGramCounts(of: other, order: order))
      }
      result.matches[order - 1] = found.matches(in: known)
      result.totals[order - 1] = found.total
    }
    return result
  }

  /// Counts over lines; those of a corpus are the sums of its lines'.
  public struct Statistics: ScoreStatistics, Hashable {
    /// c.
    public internal(set) var hypothesisLength = 0
    /// r.
    public internal(set) var referenceLength = 0
    /// n-grams that a reference has too, from n = 1.
    public internal(set) var matches = [Int](repeating: 0, count: BLEU.orders)
    /// n-grams of the hypotheses.
    public internal(set) var totals = [Int](repeating: 0, count: BLEU.orders)

    public static let count = 2 + 2 * BLEU.orders

    public init() {}

    public init(counts: some Collection<Int>) {
      let counts = Array(counts)
      precondition(counts.count == Self.count)
      (hypothesisLength, referenceLength) = (counts[0], counts[1])
      matches = Array(counts[2..<2 + BLEU.orders])
      totals = Array(counts[(2 + BLEU.orders)...])
    }

    public var counts: [Int] { [hypothesisLength, referenceLength] + matches + totals }

    /// e^(1 - r / c) where the hypotheses are shorter; at most 1.
    public var brevityPenalty: Double {
      guard hypothesisLength < referenceLength else { return 1 }
      guard hypothesisLength > 0 else { return 0 }
      return exp(1 - Double(referenceLength) / Double(hypothesisLength))
    }

    /// pₙ in percent, smoothed; all 0 where nothing matches.
    public var precisions: [Double] {
      guard matches.contains(where: { $0 > 0 }) else { return matches.map { _ in 0 } }
      var smoothing = 1.0
      return zip(matches, totals).map { match, total in
        guard total > 0 else { return 0 }
        if match > 0 { return 100 * Double(match) / Double(total) }
        smoothing *= 2
        return 100 / (smoothing * Double(total))
      }
    }

    public var score: Double {
      let precisions = precisions
      guard precisions.allSatisfy({ $0 > 0 }) else { return 0 }
      return brevityPenalty * exp(precisions.reduce(0) { $0 + log($1) } / Double(BLEU.orders))
    }
  }
}

/// Counts from which a score follows: those of many lines are the sums of the lines'.
public protocol ScoreStatistics: Sendable {
  /// How many counts there are.
  static var count: Int { get }
  /// The statistics of no lines.
  init()
  init(counts: some Collection<Int>)
  var counts: [Int] { get }
  /// The score in percent.
  var score: Double { get }
}

extension ScoreStatistics {
  public static func += (sum: inout Self, other: Self) {
    sum = Self(counts: zip(sum.counts, other.counts).map(+))
  }
}
