import LockstepSettings
import LockstepTensors
import LockstepWeights

/// What the configurations of Llama and of the decoders built like it have in common: rotary positions,
/// RMS norm in front of each part of a block, SwiGLU, grouped-query attention.
public protocol LlamaFamily: TransformerArchitecture, TokenArchitecture, LanguageArchitecture,
  ClassifyingArchitecture
{
  /// G, heads of keys and values; nil: as many as of queries.
  var keyValueHeads: Int? { get set }
  /// F; nil: 8/3 D, rounded up to a multiple of 64.
  var feedForward: Int? { get set }
  /// The base of the rotary frequencies.
  var ropeTheta: Double { get set }
  /// How rotary positions are stretched.
  var ropeScaling: RotaryScaling { get set }
  /// Added to the mean square in norms.
  var normEpsilon: Double { get set }
  /// Whether the head is the token embedding.
  var tieEmbeddings: Bool { get set }

  /// K. Default: the heads share out the width.
  var headWidth: Int { get }
  /// Whether the projections to queries, keys and values have biases. Default: no.
  var hasProjectionBiases: Bool { get }
  /// Whether each head's queries and keys are normed before they are turned. Default: no.
  var normsQueriesAndKeys: Bool { get }
}

extension LlamaFamily {
  public var hasProjectionBiases: Bool { false }
  public var normsQueriesAndKeys: Bool { false }

  /// G, whether or not the section names it.
  public var keyValueHeadCount: Int { keyValueHeads ?? heads }

  /// F, whether or not the section names it.
  public var feedForwardWidth: Int { feedForward ?? (8 * width + 191) / 192 * 64 }

  public var summary: String {
    let shared = keyValueHeadCount < heads ? ["\(keyValueHeadCount) of keys"] : []
    return oneLine(
      shared + ["context \(context)"] + [ropeScaling.summary].compactMap(\.self))
  }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    keptElementCount(
      rows: Double(sequences) * Double(shape.count), layers: layers, queries: heads * headWidth,
      keyValues: keyValueHeadCount * headWidth, hidden: 2 * feedForwardWidth)
  }

  public func model(vocabularyCount: Int) -> any LanguageModel {
    Llama(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }

  public static var scoreModule: String { DecoderClassifier.scoreModule }

  public func classifier(vocabularyCount: Int, classCount: Int) -> any TextClassifier {
    DecoderClassifier(
      Llama(self, vocabularyCount: vocabulary ?? vocabularyCount, hasHead: false), width: width,
      classCount: classCount)
  }

  public static var fields: [Field<Self>] {
    [
      .layers,
      .heads(
        meaning: "Heads of queries in a block; must divide `width` into heads of an even width."),
    ] + familyFields
  }

  /// All keys but the number of layers and what decides the heads' width.
  static var familyFields: [Field<Self>] {
    [
      Field(
        "key_value_heads", \.keyValueHeads, .ifPresent(.within(1...1024)),
        meaning:
          "Heads of keys and values, each used by as many heads of queries (Ainslie et al. 2023); "
          + "must divide `heads`; `null` takes as many as `heads`."),
      .width(),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning:
          "Width inside the feed-forward part; `null` takes 8/3 of `width`, rounded up to a multiple "
          + "of 64."),
      .context,
      Field(
        "rope_theta", \.ropeTheta, .above(1),
        meaning:
          "Base of the rotary embedding (Su et al. 2021): the slowest pair of a head's elements turns "
          + "by about one radian in so many positions."),
      Field(
        "rope_scaling", \.ropeScaling,
        meaning: "How rotary positions are stretched beyond those that a model first learned."),
      Field(
        "norm_epsilon", \.normEpsilon, .above(0), meaning: "Added to the mean square in norms."),
      Field(
        "tie_embeddings", \.tieEmbeddings,
        meaning: "Whether the head is the token embedding, or has weights of its own."),
      .dropout, .recompute, .vocabulary,
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      width.isMultiple(of: 2 * heads), "heads",
      "a divisor of half of width (\(width)), for heads of an even width", involving: "width")
    checkKeyValueHeads(&checks)
  }

  func checkKeyValueHeads(_ checks: inout SettingChecks) {
    checks.require(
      heads.isMultiple(of: keyValueHeadCount), "key_value_heads", "a divisor of heads (\(heads))",
      involving: "heads")
  }
}
