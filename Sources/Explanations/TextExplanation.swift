// T tokens of the text.

import Datasets
import Models
import Tensors
import Training

/// A look inside a language model that reads a text: what it predicts, which tokens that is owed to,
/// what each layer would say, and where attention looks.
public struct TextExplanation: Codable, Sendable {
  /// A token and how likely it is.
  public struct Candidate: Codable, Sendable, Equatable {
    public let token: Int32
    public let probability: Double
  }

  /// What the model says comes after a position.
  public struct Prediction: Codable, Sendable {
    public let position: Int
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
    /// [T].
    public let values: [Double]
    public let sum: Double
  }

  /// What a layer's states would say, read as if they were the last.
  public struct LensLayer: Codable, Sendable {
    public let name: String
    /// The probability of the explained target at its position.
    public let target: Double
    /// The likeliest tokens after each position, [T][5].
    public let positions: [[Candidate]]
  }

  public let model: ExplainedModel
  public let text: String
  /// [T].
  public let tokens: [Int32]
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
  ///   - source: What the user calls the model.
  ///   - loaded: With its tokenizer.
  ///   - text: At least one token, at most the model's context.
  ///   - position: Where a prediction is explained, in 0 ..< T; nil: the last.
  ///   - target: The text of the token that is explained; nil: the likeliest.
  /// - Throws: `ExplanationError`; `LoadingError` without a tokenizer; `TokenizerError`.
  public init(
    source: String, loaded: LoadedModel, text: String, position: Int? = nil, target: String? = nil
  ) throws {
    // The parameters live as long as it does.
    defer { withExtendedLifetime(loaded) {} }
    guard let tokenizer = loaded.tokenizer else {
      throw LoadingError.noTokenizer(path: loaded.path)
    }
    guard let network = loaded.model as? any LanguageModel & LayeredModel else {
      throw ExplanationError.noLayers(path: loaded.path, summary: loaded.summary)
    }
    let tokens = try tokenizer.encode(text)
    guard !tokens.isEmpty else { throw ExplanationError.emptyText }
    guard tokens.count <= network.context else {
      throw ExplanationError.textTooLong(tokens: tokens.count, context: network.context)
    }
    if let position, !tokens.indices.contains(position) {
      throw ExplanationError.noPosition(position, tokens: tokens.count)
    }
    try Self.requireMaps(of: network, tokens: tokens)
    let inspection = TokenInspection(
      of: network, tokens: tokens, position: position,
      target: try target.map { try Self.token($0, tokenizer) })

    var lens: [LensLayer] = []
    var last: Distribution?
    inspection.forEachReadout { name, logits in
      let rows = logits.rows.map(Distribution.init)
      let chosen = rows[inspection.position]
      lens.append(
        LensLayer(
          name: name, target: chosen.candidate(inspection.target).probability,
          positions: rows.map { $0.candidates(Self.lensDepth) }))
      last = chosen
    }
    guard let said = last else { preconditionFailure("a LayeredModel shows its states") }
    model = ExplainedModel(
      source: source, directory: loaded.path, summary: loaded.summary, step: loaded.step,
      model: loaded.model)
    self.text = text
    self.tokens = tokens
    prediction = Prediction(
      position: inspection.position, target: said.candidate(inspection.target),
      rank: said.rank(of: Int(inspection.target)),
      logit: Double(inspection.logit).rounded(decimals: 6),
      candidates: said.candidates(Self.candidateCount))
    attribution = Attribution(
      values: inspection.attribution.map { $0.rounded(decimals: 6) },
      sum: inspection.attribution.reduce(0, +).rounded(decimals: 6))
    self.lens = lens
    attention = inspection.recorder.attentionLayers()
    var words: [String: String] = [:]
    let shown =
      lens.flatMap { $0.positions.joined() } + prediction.candidates + [prediction.target]
    for token in tokens + shown.map(\.token) { words["\(token)"] = tokenizer.word(token) }
    self.words = words
  }

  /// - Throws: `ExplanationError.tooManyMaps` where a page would not open.
  private static func requireMaps(
    of network: any LanguageModel & LayeredModel, tokens: [Int32]
  ) throws(ExplanationError) {
    // How many maps there are, one token shows.
    let maps = TokenInspection(of: network, tokens: [tokens[0]]).recorder.attention
      .reduce(0) { $0 + $1.probabilities.shape[1] }
    let most = Int((Double(mostWeights) / Double(max(1, maps))).squareRoot())
    guard tokens.count <= most else {
      throw .tooManyMaps(positions: tokens.count, maps: maps, mostPositions: most)
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
