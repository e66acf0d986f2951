/// chrF of a corpus (Popović, 2015), as sacrebleu computes it by default; with `wordOrder` 2 chrF++
/// (Popović, 2017).
///
///     chrF = 100 · (1 + β²) · P · R / (β² · P + R), β = 2
///
/// P and R are the means, over n-grams of 1 to 6 characters and of up to `wordOrder` words, of the
/// fractions of the hypotheses' n-grams that the references have, and the other way round. Orders that
/// hypotheses or references have no n-grams of are left out. White space is.
public struct CharacterFScore: Sendable, Hashable {
  static let characterOrder = 6
  static let beta = 2.0

  /// The longest sequences of words that are counted, in 0 ... 2.
  public let wordOrder: Int

  /// - Parameter wordOrder: Default: 0.
  public init(wordOrder: Int = 0) {
    precondition(0...2 ~= wordOrder, "chrF counts up to 2 words, not \(wordOrder)")
    self.wordOrder = wordOrder
  }

  /// What this score is called: "chrF2", "chrF2++".
  public var name: String { "chrF2" + String(repeating: "+", count: wordOrder) }

  /// How sacrebleu names this way of counting, but for the version.
  public func signature(references: Int) -> String {
    "nrefs:\(references)|case:mixed|eff:yes|nc:\(Self.characterOrder)|nw:\(wordOrder)|space:no"
  }

  /// What the score is computed from, for one line: of several references the one that gives the line
  /// the best score, among equals the first.
  ///
  /// - Parameters:
  ///   - hypothesis: What is judged.
  ///   - references: At least one.
  public func statistics(of hypothesis: String, references: [String]) -> Statistics {
    var numbers = WordNumbers()
    let found = counts(hypothesis, &numbers)
    let choices = references.map { reference in
      let pairs = zip(found, counts(reference, &numbers))
      return Statistics(
        counts: pairs.flatMap { [$1.total > 0 ? $0.total : 0, $1.total, $0.matches(in: $1)] }
          + [Int](repeating: 0, count: 3 * (2 - wordOrder)))
    }
    guard var best = choices.first else {
      preconditionFailure("a line is compared with at least one reference")
    }
    for choice in choices.dropFirst() where choice.score > best.score { best = choice }
    return best
  }

  private func counts(_ line: String, _ numbers: inout WordNumbers) -> [NGramCounts] {
    let words = Array(line.unicodeScalars).words
    let characters = words.flatMap { $0.map(\.value) }
    let parts = wordOrder == 0 ? [] : numbers(words.flatMap(Self.withoutPunctuation))
    return (1...Self.characterOrder).map { NGramCounts(of: characters, order: $0) }
      + (1...2).prefix(wordOrder).map { NGramCounts(of: parts, order: $0) }
  }

  /// A word, and one sign of ASCII at its end or, if there is none, at its beginning.
  private static func withoutPunctuation(
    _ word: ArraySlice<Unicode.Scalar>
  ) -> [ArraySlice<Unicode.Scalar>] {
    guard word.count > 1, let first = word.first, let last = word.last else { return [word] }
    if last.isASCIIPunctuation { return [word.dropLast(), word.suffix(1)] }
    if first.isASCIIPunctuation { return [word.prefix(1), word.dropFirst()] }
    return [word]
  }

  /// Counts over lines; those of a corpus are the sums of its lines'.
  public struct Statistics: ScoreStatistics, Hashable {
    /// For each order, those of characters first: n-grams of the hypotheses, of the references, and of
    /// both.
    public private(set) var counts: [Int]

    public static let count = 3 * (CharacterFScore.characterOrder + 2)

    public init() { counts = [Int](repeating: 0, count: Self.count) }

    public init(counts: some Collection<Int>) {
      precondition(counts.count == Self.count)
      self.counts = Array(counts)
    }

    public var score: Double {
      var (precision, recall, orders) = (0.0, 0.0, 0.0)
      for place in stride(from: 0, to: counts.count, by: 3) {
        let (found, expected) = (Double(counts[place]), Double(counts[place + 1]))
        let matches = Double(counts[place + 2])
        guard found > 0 && expected > 0 else { continue }
        precision += matches / found
        recall += matches / expected
        orders += 1
      }
      guard precision + recall > 0 else { return 0 }
      (precision, recall) = (precision / orders, recall / orders)
      let factor = CharacterFScore.beta * CharacterFScore.beta
      return 100 * (1 + factor) * precision * recall / (factor * precision + recall)
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isASCIIPunctuation: Bool {
    switch self {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }
}
