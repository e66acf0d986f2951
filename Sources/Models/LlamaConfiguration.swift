import LockstepSettings

/// The shape of a Llama decoder: rotary positions, RMS norm in front of each part of a block, SwiGLU,
/// grouped-query attention, no biases (Touvron et al., "LLaMA", 2023).
public struct LlamaConfiguration: Configurable {
  public var layers = 4
  public var heads = 4
  /// Heads of keys and values; nil: as many as of queries.
  public var keyValueHeads: Int?
  /// D.
  public var width = 256
  /// F; nil: 8/3 D, rounded up to a multiple of 64.
  public var feedForward: Int?
  /// T, the longest sequence in tokens.
  public var context = 128
  /// The base of the rotary frequencies.
  public var ropeTheta = 10_000.0
  public var normEpsilon = 1e-5
  /// Whether the head is the token embedding.
  public var tieEmbeddings = true
  public var dropout = 0.0
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  public var recompute = false
  /// V; nil takes it from the tokenizer.
  public var vocabulary: Int?

  public init() {}

  /// K, the width of one head.
  public var headWidth: Int { width / heads }

  /// Heads of keys and values, whether or not the section names their number.
  public var keyValueHeadCount: Int { keyValueHeads ?? heads }

  /// F, whether or not the section names it.
  public var feedForwardWidth: Int { feedForward ?? (8 * width + 191) / 192 * 64 }

  public static var fields: [Field<Self>] {
    [
      Field("layers", \.layers, .within(1...1024), meaning: "Transformer blocks."),
      Field(
        "heads", \.heads, .within(1...1024),
        meaning: "Heads of queries in a block; must divide `width` into heads of an even width."),
      Field(
        "key_value_heads", \.keyValueHeads, .ifPresent(.within(1...1024)),
        meaning:
          "Heads of keys and values, each used by as many heads of queries (Ainslie et al. 2023); "
          + "must divide `heads`; `null` takes as many as `heads`."),
      Field(
        "width", \.width, .within(1...65_536), meaning: "Elements of the vector that holds a token."
      ),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning:
          "Width inside the feed-forward part; `null` takes 8/3 of `width`, rounded up to a multiple "
          + "of 64."),
      Field("context", \.context, .within(1...1_048_576), meaning: "Tokens in a sequence."),
      Field(
        "rope_theta", \.ropeTheta, .above(1),
        meaning:
          "Base of the rotary embedding (Su et al. 2021): the slowest pair of a head's elements turns "
          + "by about one radian in so many positions."),
      Field(
        "norm_epsilon", \.normEpsilon, .above(0), meaning: "Added to the mean square in norms."),
      Field(
        "tie_embeddings", \.tieEmbeddings,
        meaning: "Whether the head is the token embedding, or has weights of its own."),
      Field(
        "dropout", \.dropout, .within(0..<1),
        meaning:
          "Share of elements dropped after the embedding, in attention and on each residual branch, "
          + "in training."),
      Field(
        "recompute", \.recompute, decidesResult: false,
        meaning:
          "Whether training keeps of each block its input only and computes the rest again in the "
          + "backward pass: less memory, more time, the same bits."),
      Field(
        "vocabulary", \.vocabulary, .ifPresent(.within(1...16_777_216)),
        meaning:
          "Rows of the token embedding; `null` takes the tokenizer's count. More rows than tokens is "
          + "padding."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      width.isMultiple(of: 2 * heads), "heads",
      "a divisor of half of width (\(width)), for heads of an even width", involving: "width")
    checks.require(
      heads.isMultiple(of: keyValueHeadCount), "key_value_heads", "a divisor of heads (\(heads))",
      involving: "heads")
  }
}
