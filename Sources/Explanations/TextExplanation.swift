// T tokens of the text.

import LockstepDatasets
import LockstepModels
import LockstepTensors
import LockstepTraining

/// A look inside a language model that reads a text: what it predicts, which tokens that is owed to,
/// what each layer would say, and where attention looks.
public struct TextExplanation: Codable, Sendable {
  /// A token and how likely it is.
  public struct Candidate: Codable, Sendable, Equatable {
    public let token: Int32
    public let probability: Double
  }

  /// What the model says comes after a position, or is hidden there.
  public struct Prediction: Codable, Sendable {
    public let position: Int
    /// Whether the token at the position is predicted from those around it; else the one that comes after.
    public let masked: Bool
    /// The token that is explained.
    public let target: Candidate
    /// The target's place among all tokens, from 1.
    public let rank: Int
    /// The target's score before the softmax.
    public let logit: Double
    /// The likeliest, in order.
    public let candidates: [Candidate]
  }

  /// Gradient × input of the target's logit.
  public struct Attribution: Codable, Sendable {
    /// [T], one for each token.
    public let values: [Double]
    /// The sum of `values`, and of the source's attributions where there is a source.
    public let sum: Double
  }

  /// What a translation model translates.
  public struct Source: Codable, Sendable {
    public let text: String
    /// [S], the end included.
    public let tokens: [Int32]
    /// Gradient × input, [S].
    public let attribution: [Double]
  }

  /// What a layer's states would say, read as if they were the last.
  public struct LensLayer: Codable, Sendable {
    public let name: String
    /// The probability of the explained target at its position.
    public let target: Double
    /// The likeliest tokens after each position, or at it, [T][5].
    public let positions: [[Candidate]]
  }

  public let model: ExplainedModel
  /// What the model reads; of a translation model the translation.
  public let text: String
  /// [T]; of a translation model what the decoder reads, "begin" first.
  public let tokens: [Int32]
  /// Of a translation model; else nil.
  public let source: Source?
  /// The text of every token that occurs here, by its number.
  public let words: [String: String]
  public let prediction: Prediction
  public let attribution: Attribution
  /// The embedding, then each block; the last is what the model itself says.
  public let lens: [LensLayer]
  public let attention: [AttentionLayer]

  /// Shown after the chosen position.
  private static let candidateCount = 10
  /// Shown of each layer at each position.
  private static let lensDepth = 5
  /// Numbers in all attention maps together: about 70 MB of a page.
  private static let mostWeights = 8_000_000

  /// - Parameters:
  ///   - trained: Continues texts, or translates; with its tokenizer.
  ///   - text: At least one token; at most the model's context, with the end of what is translated. Of a
  ///     masked language model with `[MASK]` where a token is hidden.
  ///   - translation: What the decoder of a translation model reads; nil: what the model itself says,
  ///     the likeliest token at each place.
  ///   - position: Where a prediction is explained, in 0 ..< T; nil: the last, of a translation the first,
  ///     where it begins, of a masked language model the first `[MASK]`.
  ///   - target: The text of the token that is explained; nil: the likeliest.
  ///   - special: What names of special tokens in the texts are. Default: these tokens.
  /// - Throws: `ExplanationError`; `LoadingError` for a model of another kind, or without a tokenizer;
  ///   `TokenizerError`; `NotFiniteLogitsError`.
  public init(
    of trained: TrainedModel, text: String, translation: String? = nil, position: Int? = nil,
    target: String? = nil, special: SpecialTokens = .token
  ) throws {
    switch trained.model {
    case .prediction: throw ExplanationError.needsSample(path: trained.source)
    case .sequenceToSequence(let model):
      try self.init(
        of: trained, model, text: text, translation: translation, position: position,
        target: target, special: special)
    case .maskedLanguage(let model):
      try Self.requireNone(translation, trained)
      try self.init(
        of: trained, model, text: text, position: position, target: target, special: special)
    case .language, .encoder, .textClassification:
      try Self.requireNone(translation, trained)
      try self.init(
        of: trained, trained.languageModel(), text: text, position: position, target: target,
        special: special)
    }
  }

  private static func requireNone(_ translation: String?, _ trained: TrainedModel) throws {
    guard translation == nil else {
      throw ExplanationError.translatesNothing(path: trained.source)
    }
  }

  /// Explains a model that continues texts.
  private init(
    of trained: TrainedModel, _ model: any LanguageModel, text: String, position: Int?,
    target: String?, special: SpecialTokens
  ) throws {
    let tokenizer = try trained.requiredTokenizer()
    guard let network = model as? any LanguageModel & LayeredModel else {
      throw ExplanationError.noLayers(path: trained.path, summary: trained.summary)
    }
    let tokens = try tokenizer.encodePrompt(text, special: special)
    guard !text.isEmpty, !tokens.isEmpty else { throw ExplanationError.emptyText }
    try Self.require(tokens, "--text", fit: network.context)
    if let position, !tokens.indices.contains(position) {
      throw ExplanationError.noPosition(position, tokens: tokens.count)
    }
    // How many maps there are, one token shows.
    try Self.requireMaps(
      of: try TokenInspection(of: network, tokens: [tokens[0]]), positions: tokens.count)
    try self.init(
      inspection: try TokenInspection(
        of: network, tokens: tokens, position: position,
        target: try target.map { try Self.token($0, tokenizer) }),
      model: ExplainedModel(trained), text: text, tokens: tokens, source: nil, tokenizer: tokenizer)
  }

  /// Explains a model that predicts hidden tokens.
  private init(
    of trained: TrainedModel, _ model: any MaskedLanguageModel, text: String, position: Int?,
    target: String?, special: SpecialTokens
  ) throws {
    let tokenizer = try trained.requiredTokenizer()
    guard let network = model as? any MaskedLanguageModel & LayeredModel else {
      throw ExplanationError.noLayers(path: trained.path, summary: trained.summary)
    }
    let words =
      try tokenizer.mask.map { try tokenizer.encodeMasked(text, mask: $0, special: special) }
      ?? tokenizer.encode(text, special: special)
    guard !words.isEmpty else { throw ExplanationError.emptyText }
    let tokens = tokenizer.template.prefix + words + tokenizer.template.suffix
    try Self.require(tokens, "--text", fit: network.context)
    guard let position = position ?? tokens.firstIndex(where: { $0 == tokenizer.mask }) else {
      throw ExplanationError.nothingHidden(tokens: tokens.count)
    }
    guard tokens.indices.contains(position) else {
      throw ExplanationError.noPosition(position, tokens: tokens.count)
    }
    try Self.requireMaps(
      of: try TokenInspection(of: network, tokens: [tokens[0]], position: 0),
      positions: tokens.count)
    try self.init(
      inspection: try TokenInspection(
        of: network, tokens: tokens, position: position,
        target: try target.map { try Self.token($0, tokenizer) }),
      model: ExplainedModel(trained), text: text, tokens: tokens, source: nil, masked: true,
      tokenizer: tokenizer)
  }

  /// Explains a model that translates.
  private init(
    of trained: TrainedModel, _ model: any SequenceToSequenceModel, text: String,
    translation: String?, position: Int?, target: String?, special: SpecialTokens
  ) throws {
    let (tokenizer, endOfText) = (try trained.requiredTokenizer(), try trained.requiredEndOfText())
    guard let network = model as? any SequenceToSequenceModel & LayeredModel else {
      throw ExplanationError.noLayers(path: trained.path, summary: trained.summary)
    }
    let words = try tokenizer.encode(text, special: special)
    guard !words.isEmpty else { throw ExplanationError.emptyText }
    let sourceTokens = words + [endOfText]
    try Self.require(sourceTokens, "--text", fit: network.context)
    let tokens =
      [endOfText]
      + (try translation.map { try tokenizer.encode($0, special: special) }
        ?? network.likeliestTranslation(
          of: sourceTokens, end: endOfText, vocabularyCount: tokenizer.vocabularyCount,
          in: trained.workspace))
    try Self.require(tokens, "--translation", fit: network.context)
    let position = position ?? 0
    guard tokens.indices.contains(position) else {
      throw ExplanationError.noPosition(position, tokens: tokens.count)
    }
    try Self.requireMaps(
      of: try TokenInspection(of: network, source: [words[0]], tokens: [tokens[0]]),
      positions: max(sourceTokens.count, tokens.count))
    let inspection = try TokenInspection(
      of: network, source: sourceTokens, tokens: tokens, position: position,
      target: try target.map { try Self.token($0, tokenizer) })
    try self.init(
      inspection: inspection,
      model: ExplainedModel(trained), text: tokenizer.decode(tokens.dropFirst()), tokens: tokens,
      source: Source(
        text: text, tokens: sourceTokens,
        attribution: inspection.sourceAttribution.map { $0.rounded(decimals: 6) }),
      tokenizer: tokenizer)
  }

  private init(
    inspection: TokenInspection, model: ExplainedModel, text: String, tokens: [Int32],
    source: Source?, masked: Bool = false, tokenizer: any Tokenizer
  ) throws {
    var lens: [LensLayer] = []
    var last: Distribution?
    try inspection.forEachReadout { name, logits in
      let scores = logits.rows
      for (position, row) in scores.enumerated() {
        try row.withUnsafeBufferPointer {
          try $0.requireFinite(position: position, input: "the text, read after \(name)")
        }
      }
      let rows = scores.map(Distribution.init)
      let chosen = rows[inspection.position]
      lens.append(
        LensLayer(
          name: name, target: chosen.candidate(inspection.target).probability,
          positions: rows.map { $0.candidates(Self.lensDepth) }))
      last = chosen
    }
    guard let said = last else { preconditionFailure("a LayeredModel shows its states") }
    self.model = model
    self.text = text
    self.tokens = tokens
    self.source = source
    prediction = Prediction(
      position: inspection.position, masked: masked, target: said.candidate(inspection.target),
      rank: said.rank(of: Int(inspection.target)),
      logit: Double(inspection.logit).rounded(decimals: 6),
      candidates: said.candidates(Self.candidateCount))
    attribution = Attribution(
      values: inspection.attribution.map { $0.rounded(decimals: 6) },
      sum: (inspection.attribution + inspection.sourceAttribution).reduce(0, +)
        .rounded(decimals: 6))
    self.lens = lens
    attention = inspection.recorder.attentionLayers
    var words: [String: String] = [:]
    let shown =
      lens.flatMap { $0.positions.joined() } + prediction.candidates + [prediction.target]
    for token in tokens + (source?.tokens ?? []) + shown.map(\.token) {
      words["\(token)"] = tokenizer.word(token)
    }
    self.words = words
  }

  private static func require(
    _ tokens: [Int32], _ option: String, fit context: Int
  ) throws(ExplanationError) {
    guard tokens.count <= context else {
      throw .textTooLong(option: option, tokens: tokens.count, context: context)
    }
  }

  /// - Parameter inspection: Of any text.
  /// - Throws: `ExplanationError.tooManyMaps` where a page would not open.
  private static func requireMaps(
    of inspection: TokenInspection, positions: Int
  ) throws(ExplanationError) {
    let maps = inspection.recorder.attention.reduce(0) { $0 + $1.probabilities.shape[1] }
    let most = Int((Double(mostWeights) / Double(max(1, maps))).squareRoot())
    guard positions <= most else {
      throw .tooManyMaps(positions: positions, maps: maps, mostPositions: most)
    }
  }

  /// The one token that a text is.
  private static func token(_ text: String, _ tokenizer: any Tokenizer) throws -> Int32 {
    let tokens = try tokenizer.encode(text)
    guard tokens.count == 1 else {
      throw ExplanationError.noToken(text, pieces: tokens.map(tokenizer.word))
    }
    return tokens[0]
  }
}

extension SequenceToSequenceModel {
  /// The translation that takes the likeliest token at each place, without its end.
  ///
  /// - Parameters:
  ///   - source: With its end.
  ///   - end: Ends a text, and says "begin" to the decoder.
  ///   - vocabularyCount: Of the tokenizer.
  /// - Returns: Fewer tokens than the context has: the decoder reads "begin" before them.
  /// - Throws: `NotFiniteLogitsError`.
  fileprivate func likeliestTranslation(
    of source: [Int32], end: Int32, vocabularyCount: Int, in workspace: Workspace
  ) throws -> [Int32] {
    try BeamSearch(beams: 1).run(
      TargetContinuation(of: [source], begin: end, by: self, limit: context),
      ends: [end], maxTokens: max(1, context - 1), vocabularyCount: vocabularyCount, in: workspace
    )[0].tokens
  }
}

extension Distribution {
  fileprivate func candidate(_ token: Int32) -> TextExplanation.Candidate {
    TextExplanation.Candidate(
      token: token, probability: probability(of: Int(token)).rounded(decimals: 6))
  }

  fileprivate func candidates(_ count: Int) -> [TextExplanation.Candidate] {
    highest(count).map { candidate(Int32($0)) }
  }
}

extension Tokenizer {
  /// A token's text; its bytes where they are only part of a character; its number where the
  /// tokenizer has fewer tokens than the model.
  fileprivate func word(_ token: Int32) -> String {
    guard vocabulary.contains(token) else { return "<\(token)>" }
    let bytes = vocabulary.bytes(of: token)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return bytes.map { "\\x" + String($0, radix: 16, uppercase: true) }.joined()
  }
}

extension Tensor {
  /// The innermost rows.
  var rows: [[Float]] {
    withElements { elements in
      stride(from: 0, to: elements.count, by: shape.last).map {
        Array(elements[$0..<$0 + shape.last])
      }
    }
  }
}
