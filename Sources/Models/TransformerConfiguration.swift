import LockstepSettings

/// The keys of `model.architecture: transformer`: the encoder-decoder of "Attention is all you need"
/// (Vaswani et al., 2017).
public struct TransformerConfiguration: Configurable {
  /// Where a block normalises.
  public enum NormPlacement: String, SettingChoice {
    case pre
    case post

    public var documentation: String {
      switch self {
      case .pre: "x + f(norm(x)), and a norm after the last block: trains without care."
      case .post: "norm(x + f(x)), as in the paper: needs a warm-up."
      }
    }
  }

  /// What is between the two layers of a feed-forward network.
  public enum FeedForwardActivation: String, SettingChoice {
    case relu
    case gelu

    public var documentation: String {
      switch self {
      case .relu: "max(0, x), as in the paper."
      case .gelu: "x Φ(x), Φ the normal distribution function."
      }
    }
  }

  public var encoderLayers = 3
  public var decoderLayers = 3
  public var heads = 4
  /// D.
  public var width = 256
  /// F; nil: 4 D.
  public var feedForward: Int?
  /// The most tokens of a source or target, end included.
  public var context = 128
  public var positions = PositionKind.sinusoidal
  public var norm = NormPlacement.pre
  public var activation = FeedForwardActivation.relu
  /// Whether source, target and head share one table.
  public var tied = true
  public var dropout = 0.1
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  public var recompute = false
  /// V; nil takes it from the tokenizer.
  public var vocabulary: Int?

  public init() {}

  /// F.
  public var feedForwardWidth: Int { feedForward ?? 4 * width }

  /// One line for people.
  var summary: String {
    let dropout = dropout > 0 ? ", dropout \(dropout)" : ""
    return "transformer, \(encoderLayers) + \(decoderLayers) layers, "
      + "\(heads) head\(heads == 1 ? "" : "s"), width \(width), feed-forward \(feedForwardWidth), "
      + "context \(context), \(norm.rawValue)-norm\(dropout)"
      + (recompute ? ", recomputed in backward" : "")
  }

  public static var fields: [Field<Self>] {
    [
      Field("encoder_layers", \.encoderLayers, .within(1...1024), meaning: "Encoder blocks."),
      Field("decoder_layers", \.decoderLayers, .within(1...1024), meaning: "Decoder blocks."),
      Field(
        "heads", \.heads, .within(1...1024),
        meaning: "Attention heads in a block; must divide `width`."),
      Field(
        "width", \.width, .within(1...65_536), meaning: "Elements of the vector that holds a token."
      ),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning: "Width between the layers of a feed-forward network; `null` is 4 `width`."),
      Field(
        "context", \.context, .within(2...1_048_576),
        meaning:
          "Most tokens of a source or target, its end included; longer pairs are not learned from."),
      Field("positions", \.positions, meaning: "How the model knows where a token is."),
      Field("norm", \.norm, meaning: "Where a block normalises."),
      Field("activation", \.activation, meaning: "Of the feed-forward networks."),
      Field(
        "tied", \.tied,
        meaning: "Whether the embeddings of source and target and the head share one table."),
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
    checks.require(
      positions == .learned || width.isMultiple(of: 2), "width",
      "an even number, because positions is sinusoidal", involving: "positions")
  }
}
