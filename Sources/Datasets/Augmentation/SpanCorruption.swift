/// T5's denoising exercise (Raffel et al., 2020) as one sequence for a model that reads from left to
/// right. Spans of a text are cut out; in place of the first stands sentinel 0, of the second
/// sentinel 1, and so on. Behind the text each sentinel is followed by what was cut out there, and
/// one more sentinel ends the sequence:
///
///     A B ⟨0⟩ E F ⟨1⟩ | ⟨0⟩ C D ⟨1⟩ G ⟨2⟩
///
/// What lies behind the bar is to be predicted.
public struct SpanCorruption: Sendable {
  /// The sentinels' ids.
  private let sentinels: [Int32]
  private let positions: Int
  private let share: Double
  private let meanLength: Int
  private let seed: UInt64

  /// How many sentinels a sequence of T positions needs at most.
  public static func sentinelCount(
    positions: Int, share: Double, meanLength: Int
  ) -> Int {
    NoiseSpans(length: max(2, positions), share: share, meanLength: meanLength).spanCount + 1
  }

  /// - Parameters:
  ///   - positions: T, at least `leastPositions`.
  ///   - share: Of the text's tokens that are cut out.
  ///   - meanLength: Tokens in a span, on average.
  ///   - sentinels: At least `sentinelCount`.
  ///   - seed: Decides all spans.
  public init(
    positions: Int, share: Double, meanLength: Int, sentinels: [Int32], seed: UInt64
  ) {
    precondition(positions >= Self.leastPositions, "\(positions) positions are too few")
    self.positions = positions
    self.share = share
    self.meanLength = meanLength
    self.sentinels = sentinels
    self.seed = seed
  }

  /// The shortest sequence that has room for an exercise: a token kept and one cut out, and three
  /// sentinels, the last of which is only a target.
  public static let leastPositions = 4

  /// How much text goes into a sequence of T positions, which has T + 1 tokens: the most whose
  /// exercise is not longer.
  func spans() -> (textLength: Int, spans: NoiseSpans) {
    var length = positions
    while true {
      let spans = NoiseSpans(length: length, share: share, meanLength: meanLength)
      if length + 2 * spans.spanCount <= positions { return (length, spans) }
      length -= 1
    }
  }

  /// The exercise of a text.
  ///
  /// - Parameters:
  ///   - text: As many tokens as the spans are for.
  ///   - number: The sequence's number among all that are ever read.
  /// - Returns: The tokens before the bar, and those behind it.
  func exercise(
    of text: [Int32], spans: NoiseSpans, number: Int
  ) -> (question: [Int32], answer: [Int32]) {
    var (question, answer): ([Int32], [Int32]) = ([], [])
    var start = 0
    let draws = SequenceDraws(.spanCorruption, seed: seed, number: number)
    for (index, span) in spans.ranges(draws).enumerated() {
      question += text[start..<span.lowerBound] + [sentinels[index]]
      answer += [sentinels[index]] + text[span]
      start = span.upperBound
    }
    return (question + text[start...], answer + [sentinels[spans.spanCount]])
  }

  /// Makes an exercise of the first tokens of one sequence.
  ///
  /// - Parameters:
  ///   - batch: Holds T tokens of text as the sequence's inputs.
  ///   - sequence: In 0 ..< B.
  ///   - number: The sequence's number among all that are ever read.
  public func apply(to batch: inout TokenBatch, sequence: Int, number: Int) {
    let start = sequence * positions
    let (length, spans) = spans()
    let (question, answer) = exercise(
      of: Array(batch.inputs[start..<start + length]), spans: spans, number: number)
    let tokens = question + answer
    for position in 0..<positions {
      let isInside = position + 1 < tokens.count
      batch.inputs[start + position] = isInside ? tokens[position] : 0
      batch.targets[start + position] =
        isInside && position + 1 >= question.count
        ? tokens[position + 1] : TokenBatch.ignoredTarget
    }
  }
}
