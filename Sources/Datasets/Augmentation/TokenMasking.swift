import LockstepSettings

/// The `masking` section: which tokens masked language modeling hides, and what stands in their place
/// (Devlin et al., "BERT", 2019).
public struct MaskingConfiguration: Configurable {
  /// Share of a sequence's tokens that are to be predicted, in 0 ..< 1. Default: 0.15.
  public var share = 0.15
  /// Share of these that a random token replaces, in 0 ... 1. Default: 0.1.
  public var random = 0.1
  /// Share of these that stay as they are, in 0 ... 1. Default: 0.1.
  public var kept = 0.1
  /// Mean length of the spans that are hidden together, in tokens. Default: 1, single tokens.
  public var span = 1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "share", \.share, .within(0..<1),
        meaning: "Share of a sequence's tokens that are to be predicted, rounded, at least one."),
      Field(
        "random", \.random, .within(0...1),
        meaning: "Share of these that any token of the vocabulary replaces, and not the mask."),
      Field("kept", \.kept, .within(0...1), meaning: "Share of these that stay as they are."),
      Field(
        "span", \.span, .within(1...1024),
        meaning:
          "Mean length of the spans that are hidden together (Joshi et al., SpanBERT, 2020); `1` hides "
          + "single tokens."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      random + kept <= 1, "random", "at most 1 - kept (\(1 - kept))", involving: "kept")
  }
}

/// The tokens that masking knows of.
public struct MaskingVocabulary: Sendable {
  /// What stands in place of a hidden token.
  public let mask: Int32
  /// Tokens that may be hidden, and may stand for one another.
  public let textTokens: [Int32]
  private let isText: [Bool]

  /// All tokens of a tokenizer but the special ones.
  ///
  /// - Parameter tokenizer: Has a mask.
  public init?(_ tokenizer: any Tokenizer) {
    guard let mask = tokenizer.mask else { return nil }
    self.mask = mask
    let vocabulary = tokenizer.vocabulary
    isText = (0..<Int32(vocabulary.count)).map { !vocabulary.isSpecial($0) }
    textTokens = vocabulary.textTokens
  }

  /// Tokens 0 ..< count - 1, and count - 1 for the mask.
  ///
  /// - Parameter count: V, at least 2.
  public init(count: Int) {
    precondition(count >= 2, "a token and a mask make a vocabulary of 2, not \(count)")
    mask = Int32(count - 1)
    isText = (0..<count).map { $0 < count - 1 }
    textTokens = Array(0..<Int32(count - 1))
  }

  /// Whether a token may be hidden.
  func isText(_ token: Int32) -> Bool { isText[Int(token)] }
}

/// Hides tokens of a sequence: which, and what stands in their place, is a function of (seed, the
/// sequence's number) alone.
public struct TokenMasking: Sendable {
  private let configuration: MaskingConfiguration
  private let vocabulary: MaskingVocabulary
  private let seed: UInt64

  public init(_ configuration: MaskingConfiguration, vocabulary: MaskingVocabulary, seed: UInt64) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.seed = seed
  }

  /// How many tokens of a sequence are hidden; fewer where it has special tokens in their place.
  ///
  /// - Parameter positions: T.
  public func count(positions: Int) -> Int {
    positions == 1
      ? 1 : NoiseSpans(length: positions, share: configuration.share, meanLength: 1).noiseCount
  }

  /// Hides tokens of one sequence. Its targets become these tokens; all others are ignored.
  ///
  /// - Parameters:
  ///   - batch: Holds the sequence's tokens as inputs.
  ///   - sequence: In 0 ..< B.
  ///   - number: The sequence's number among all that are ever read.
  public func mask(_ batch: inout TokenBatch, sequence: Int, number: Int) {
    let draws = SequenceDraws(.masking, seed: seed, number: number)
    let start = sequence * batch.positionCount
    for position in 0..<batch.positionCount {
      batch.targets[start + position] = TokenBatch.ignoredTarget
    }
    let tokens = Array(batch.inputs[start..<start + batch.positionCount])
    for position in positions(of: tokens, draws) {
      batch.targets[start + position] = tokens[position]
      batch.inputs[start + position] = replacement(of: tokens[position], at: position, draws)
    }
  }

  /// The positions to be hidden.
  private func positions(of tokens: [Int32], _ draws: SequenceDraws) -> [Int] {
    guard configuration.span > 1, tokens.count > 1 else {
      let order = draws.permutation(of: tokens.count)
      let candidates = (0..<tokens.count).lazy.map { order[$0] }
      return Array(
        candidates.filter { vocabulary.isText(tokens[$0]) }.prefix(count(positions: tokens.count)))
    }
    // Turned around the sequence, so that any position may be hidden.
    let turn = draws.integer(below: tokens.count, at: 0, use: 3)
    let spans = NoiseSpans(
      length: tokens.count, share: configuration.share, meanLength: configuration.span)
    return spans.ranges(draws).flatMap { $0.map { ($0 + turn) % tokens.count } }
      .filter { vocabulary.isText(tokens[$0]) }
  }

  private func replacement(of token: Int32, at position: Int, _ draws: SequenceDraws) -> Int32 {
    let choice = draws.uniform(at: position, use: 4)
    if choice < configuration.kept { return token }
    guard choice < configuration.kept + configuration.random else { return vocabulary.mask }
    let texts = vocabulary.textTokens
    return texts[draws.integer(below: texts.count, at: position, use: 5)]
  }
}
