import LockstepSettings

/// The `data.augmentation` section of token files: how sequences are changed before each time that
/// they are learned from. Held-out text stays as it is.
public struct TokenAugmentation: Configurable {
  public var tokenDropout = 0.0
  public var spanCorruption = 0.0
  public var corruptedShare = 0.15
  public var corruptedSpan = 3

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "token_dropout", \.tokenDropout, .within(0..<1),
        meaning:
          "Share of the tokens read that any token of the vocabulary replaces (Xie et al. 2017); what "
          + "is to be predicted stays."),
      Field(
        "span_corruption", \.spanCorruption, .within(0...1),
        meaning:
          "Share of the sequences made into exercises as in T5 (Raffel et al. 2020): spans are cut out "
          + "and sentinels left in their place, and behind the text each sentinel is followed by what "
          + "was cut out there, which alone is to be predicted; for `language-modeling`."),
      Field(
        "corrupted_share", \.corruptedShare, .within(0..<1),
        meaning: "Share of the tokens of such a sequence that are cut out."),
      Field(
        "corrupted_span", \.corruptedSpan, .within(1...1024),
        meaning: "Mean length of the spans that are cut out, in tokens."),
    ]
  }

  /// Whether sequences are changed at all.
  public var changesSequences: Bool { tokenDropout > 0 || spanCorruption > 0 }

  /// The names of the sentinels that sequences of T positions need.
  public func sentinelNames(positions: Int) -> [String] {
    guard spanCorruption > 0 else { return [] }
    let count = SpanCorruption.sentinelCount(
      positions: positions, share: corruptedShare, meanLength: corruptedSpan)
    return (0..<count).map(Vocabulary.sentinelName)
  }
}

/// Replaces tokens that are read by any others; a function of (seed, the sequence's number) alone.
public struct TokenDropout: Sendable {
  private let probability: Double
  private let replacements: [Int32]
  private let seed: UInt64

  /// - Parameters:
  ///   - probability: In 0 ..< 1.
  ///   - replacements: Tokens that may be replaced, and may stand for one another.
  ///   - seed: Decides all replacements.
  public init(probability: Double, replacements: [Int32], seed: UInt64) {
    self.probability = probability
    self.replacements = replacements
    self.seed = seed
  }

  /// Changes the inputs of one sequence.
  ///
  /// - Parameters:
  ///   - sequence: In 0 ..< B.
  ///   - number: The sequence's number among all that are ever read.
  ///   - sparesTargets: Whether positions with a target stay, because masking decided what stands
  ///     there. Default: false.
  public func apply(
    to batch: inout TokenBatch, sequence: Int, number: Int, sparesTargets: Bool = false
  ) {
    let draws = SequenceDraws(.tokenDropout, seed: seed, number: number)
    for position in 0..<batch.positionCount where draws.uniform(at: position) < probability {
      let place = sequence * batch.positionCount + position
      if sparesTargets && batch.targets[place] != TokenBatch.ignoredTarget { continue }
      batch.inputs[place] =
        replacements[draws.integer(below: replacements.count, at: position, use: 1)]
    }
  }
}

/// What `data.augmentation` asks for, done to the batches of a language model.
public struct SequenceAugmenter: Sendable {
  private let dropout: TokenDropout?
  private let corruption: SpanCorruption?
  private let corruptedSequences: Double
  private let seed: UInt64

  /// - Parameters:
  ///   - configuration: What is asked for.
  ///   - positions: T.
  ///   - replacements: Tokens that may stand for one another.
  ///   - sentinels: As many as `sentinelNames`.
  ///   - seed: Decides all changes.
  public init(
    _ configuration: TokenAugmentation, positions: Int, replacements: [Int32],
    sentinels: [Int32], seed: UInt64
  ) {
    dropout =
      configuration.tokenDropout > 0
      ? TokenDropout(
        probability: configuration.tokenDropout, replacements: replacements, seed: seed) : nil
    corruption =
      configuration.spanCorruption > 0
      ? SpanCorruption(
        positions: positions, share: configuration.corruptedShare,
        meanLength: configuration.corruptedSpan, sentinels: sentinels, seed: seed) : nil
    corruptedSequences = configuration.spanCorruption
    self.seed = seed
  }

  /// Changes one sequence: makes it an exercise, or replaces tokens of it.
  ///
  /// - Parameters:
  ///   - sequence: In 0 ..< B.
  ///   - number: The sequence's number among all that are ever read.
  public func apply(to batch: inout TokenBatch, sequence: Int, number: Int) {
    let choice = SequenceDraws(.spanCorruption, seed: seed, number: number).uniform(at: 0, use: 4)
    if let corruption, choice < corruptedSequences {
      corruption.apply(to: &batch, sequence: sequence, number: number)
    } else {
      dropout?.apply(to: &batch, sequence: sequence, number: number)
    }
  }
}
