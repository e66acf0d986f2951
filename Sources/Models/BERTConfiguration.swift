import LockstepSettings

/// The shape of a BERT encoder: learned positions, every position sees every other, a norm behind each
/// part of a block (Devlin et al., "BERT", 2019).
public struct BERTConfiguration: Configurable {
  public var layers = 4
  public var heads = 4
  /// D.
  public var width = 256
  /// F; nil: 4 D.
  public var feedForward: Int?
  /// T, the longest sequence in tokens.
  public var context = 128
  public var activation = ActivationName.gelu
  public var normEpsilon = 1e-12
  /// Rows of the embedding of token types, of which the first is added everywhere.
  public var tokenTypes = 1
  public var dropout = 0.0
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  public var recompute = false
  /// V; nil takes it from the tokenizer.
  public var vocabulary: Int?

  public init() {}

  /// F, whether or not the section names it.
  public var feedForwardWidth: Int { feedForward ?? 4 * width }

  public static var fields: [Field<Self>] {
    [
      Field("layers", \.layers, .within(1...1024), meaning: "Transformer blocks."),
      Field(
        "heads", \.heads, .within(1...1024),
        meaning: "Attention heads in a block; must divide `width`."),
      Field(
        "width", \.width, .within(1...65_536), meaning: "Elements of the vector that holds a token."
      ),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning: "Width inside the feed-forward part; `null` takes 4 times `width`."),
      Field("context", \.context, .within(1...1_048_576), meaning: "Tokens in a sequence."),
      Field(
        "activation", \.activation, meaning: "Inside the feed-forward part, and in the head."),
      Field("norm_epsilon", \.normEpsilon, .above(0), meaning: "Added to the variance in norms."),
      Field(
        "token_types", \.tokenTypes, .within(1...1024),
        meaning:
          "Rows of the embedding of token types, of which the first is added to every token; models "
          + "that were trained on pairs of texts have 2."),
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
        "vocabulary", \.vocabulary, .ifPresent(.within(2...16_777_216)),
        meaning:
          "Rows of the token embedding; `null` takes the tokenizer's count and one for the mask. More "
          + "rows than tokens is padding. Without a tokenizer the last row is the mask's."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      width.isMultiple(of: heads), "heads", "a divisor of width (\(width))", involving: "width")
  }
}
