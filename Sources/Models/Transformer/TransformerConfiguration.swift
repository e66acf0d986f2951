import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// The keys of `model.architecture: transformer`: the encoder-decoder of "Attention is all you need"
/// (Vaswani et al., 2017).
public struct TransformerConfiguration: TransformerArchitecture, TokenArchitecture,
  SequenceToSequenceArchitecture
{
  public static let name = "transformer"
  public static let documentation =
    "The encoder-decoder of \"Attention is all you need\"; for translation."

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
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  /// F.
  public var feedForwardWidth: Int { feedForward ?? 4 * width }

  /// Layers of encoder and decoder together.
  public var layers: Int {
    get { encoderLayers + decoderLayers }
    set { (encoderLayers, decoderLayers) = (newValue / 2, newValue - newValue / 2) }
  }

  public static var fields: [Field<Self>] {
    [
      Field("encoder_layers", \.encoderLayers, .within(1...1024), meaning: "Encoder blocks."),
      Field("decoder_layers", \.decoderLayers, .within(1...1024), meaning: "Decoder blocks."),
      .heads, .width(),
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
      .dropout, .recompute, .vocabulary,
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checkHeads(&checks)
    checks.require(
      positions == .learned || width.isMultiple(of: 2), "width",
      "an even number, because positions is sinusoidal", involving: "positions")
  }

  public var summary: String {
    oneLine(
      depth: "\(encoderLayers) + \(decoderLayers) layers",
      ["feed-forward \(feedForwardWidth)", "context \(context)", "\(norm.rawValue)-norm"])
  }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    func kept(layers: Int, crossAttention: Bool) -> Double {
      keptElementCount(
        rows: Double(sequences) * Double(shape.count), layers: layers, queries: width,
        keyValues: width, hidden: feedForwardWidth, crossAttention: crossAttention)
    }
    return kept(layers: encoderLayers, crossAttention: false)
      + kept(layers: decoderLayers, crossAttention: true)
  }

  public func model(vocabularyCount: Int) -> any SequenceToSequenceModel {
    Transformer(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }
}

extension NormPlacement: SettingChoice {
  public var documentation: String {
    switch self {
    case .pre: "x + f(norm(x)), and a norm after the last block: trains without care."
    case .post: "norm(x + f(x)), as in the paper: needs a warm-up."
    }
  }
}
