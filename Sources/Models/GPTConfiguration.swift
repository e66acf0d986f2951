import LockstepSettings

/// The shape of a GPT-2 style decoder: learned positions, pre-norm blocks, GELU (the tanh form),
/// and a head tied to the token embedding (Radford et al. 2019).
public struct GPTConfiguration: Configurable {
  public var layers = 4
  public var heads = 4
  /// D; the feed-forward width is 4 D.
  public var width = 256
  /// T, the longest sequence in tokens.
  public var context = 128
  public var dropout = 0.0
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  public var recompute = false
  /// V; nil takes it from the tokenizer.
  public var vocabulary: Int?

  public init() {}

  public init(
    layers: Int, heads: Int, width: Int, context: Int, dropout: Double = 0,
    recompute: Bool = false, vocabulary: Int? = nil
  ) {
    self.layers = layers
    self.heads = heads
    self.width = width
    self.context = context
    self.dropout = dropout
    self.recompute = recompute
    self.vocabulary = vocabulary
  }

  /// K, the width of one head.
  public var headWidth: Int { width / heads }

  public static var fields: [Field<Self>] {
    [
      Field("layers", \.layers, .within(1...1024), meaning: "Transformer blocks."),
      Field(
        "heads", \.heads, .within(1...1024),
        meaning: "Attention heads in a block; must divide `width`."),
      Field(
        "width", \.width, .within(1...65_536), meaning: "Elements of the vector that holds a token."
      ),
      Field("context", \.context, .within(1...1_048_576), meaning: "Tokens in a sequence."),
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
      width.isMultiple(of: heads), "heads", "a divisor of width (\(width))", involving: "width")
  }
}
