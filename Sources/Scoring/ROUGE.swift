/// ROUGE of texts (Lin, 2004), as the package `rouge-score` computes it without a stemmer: ROUGE-1 and -2
/// compare words and pairs of words, ROUGE-L the longest sequence of words that both texts have in order.
///
///     F = 2 · P · R / (P + R)
///
/// A text is made small; runs of the letters a to z and of digits are its words.
public struct ROUGE: Sendable, Hashable {
  public init() {}

  /// Precision, recall and F, each in 0 ... 1.
  public struct Value: Sendable, Hashable, Encodable {
    public var precision = 0.0
    public var recall = 0.0
    public var f = 0.0

    /// - Parameters:
    ///   - matches: What both texts have.
    ///   - hypothesis: What the text that is judged has.
    ///   - reference: What it should be.
    init(matches: Int, hypothesis: Int, reference: Int) {
      precision = Double(matches) / Double(max(1, hypothesis))
      recall = Double(matches) / Double(max(1, reference))
      f = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }

    init() {}
  }

  /// The three figures of one text.
  public struct Scores: Sendable, Hashable {
    public var rouge1 = Value()
    public var rouge2 = Value()
    public var rougeL = Value()
  }

  /// Compares a text with references: for each figure the reference counts that gives the best F, among
  /// equals the first.
  ///
  /// - Parameters:
  ///   - hypothesis: What is judged.
  ///   - references: At least one.
  public func scores(of hypothesis: String, references: [String]) -> Scores {
    var numbers = WordNumbers()
    let found = numbers(Self.words(hypothesis))
    let all = references.map { scores(found, numbers(Self.words($0))) }
    guard var best = all.first else {
      preconditionFailure("a text is compared with at least one reference")
    }
    for scores in all.dropFirst() {
      for figure in [\Scores.rouge1, \.rouge2, \.rougeL]
      where scores[keyPath: figure].f > best[keyPath: figure].f {
        best[keyPath: figure] = scores[keyPath: figure]
      }
    }
    return best
  }

  private func scores(_ found: [UInt32], _ expected: [UInt32]) -> Scores {
    func value(order: Int) -> Value {
      let (found, expected) = (
        NGramCounts(of: found, order: order), NGramCounts(of: expected, order: order)
      )
      return Value(
        matches: found.matches(in: expected), hypothesis: found.total, reference: expected.total)
    }
    return Scores(
      rouge1: value(order: 1), rouge2: value(order: 2),
      rougeL: Value(
        matches: Self.commonLength(found, expected), hypothesis: found.count,
        reference: expected.count))
  }

  /// Runs of a to z and 0 to 9, once everything is small.
  static func words(_ text: String) -> [ArraySlice<Unicode.Scalar>] {
    var scalars: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
      scalars += scalar.properties.lowercaseMapping.unicodeScalars
    }
    return scalars.split { !("a"..."z").contains($0) && !("0"..."9").contains($0) }
  }

  /// The length of the longest common subsequence.
  private static func commonLength(_ left: [UInt32], _ right: [UInt32]) -> Int {
    var lengths = [Int](repeating: 0, count: right.count + 1)
    for word in left {
      var before = 0
      for (place, other) in right.enumerated() {
        let old = lengths[place + 1]
        lengths[place + 1] = word == other ? before + 1 : max(old, lengths[place])
        before = old
      }
    }
    return lengths[right.count]
  }
}

/// ROUGE of a corpus: the means over its lines.
public struct CorpusROUGE: Sendable {
  private var sums = ROUGE.Scores()
  public private(set) var lineCount = 0
  /// References of each line; 0 before the first.
  public private(set) var referenceCount = 0

  public init() {}

  /// - Parameter references: At least one, and of each line as many.
  public mutating func add(_ hypothesis: String, references: [String]) {
    precondition(lineCount == 0 || references.count == referenceCount)
    let scores = ROUGE().scores(of: hypothesis, references: references)
    for figure in [\ROUGE.Scores.rouge1, \.rouge2, \.rougeL] {
      sums[keyPath: figure].precision += scores[keyPath: figure].precision
      sums[keyPath: figure].recall += scores[keyPath: figure].recall
      sums[keyPath: figure].f += scores[keyPath: figure].f
    }
    lineCount += 1
    referenceCount = references.count
  }

  /// Adds the lines of files.
  ///
  /// - Parameters: As of `CorpusScore.add`.
  /// - Throws: `ScoringError`.
  public mutating func add(hypotheses: String, references: [String]) throws {
    try TextLines.forEach(hypotheses: hypotheses, references: references) {
      add($0, references: $1)
    }
  }

  /// The means; zeros before the first line.
  public var scores: ROUGE.Scores {
    var means = sums
    let count = Double(max(1, lineCount))
    for figure in [\ROUGE.Scores.rouge1, \.rouge2, \.rougeL] {
      means[keyPath: figure].precision /= count
      means[keyPath: figure].recall /= count
      means[keyPath: figure].f /= count
    }
    return means
  }
}
