// B images, H rows and W columns of pixels, S the side of a patch, T patches, D width, C outputs.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// The keys of `model.architecture: vit`.
public struct VisionTransformerConfiguration: Configurable {
  public var patch = 4
  public var layers = 4
  public var heads = 4
  /// D; the feed-forward width is 4 D.
  public var width = 64
  public var positions = PositionKind.learned
  public var dropout = 0.0
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  public var recompute = false

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "patch", \.patch, .within(1...1024),
        meaning: "Side of the square patches that an image is cut into; must divide its sides."),
      Field("layers", \.layers, .within(1...1024), meaning: "Transformer blocks."),
      Field(
        "heads", \.heads, .within(1...1024),
        meaning: "Attention heads in a block; must divide `width`."),
      Field(
        "width", \.width, .within(1...65_536), meaning: "Elements of the vector that holds a patch."
      ),
      Field("positions", \.positions, meaning: "How the model knows where a patch is."),
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

/// How a model knows the place of an element in a sequence.
public enum PositionKind: String, SettingChoice {
  case learned
  case sinusoidal

  public var documentation: String {
    switch self {
    case .learned: "A trained vector for each position."
    case .sinusoidal: "Sines and cosines of the position (Vaswani et al. 2017); nothing is trained."
    }
  }
}

/// A Transformer over the patches of an image (Dosovitskiy et al., "An image is worth 16x16 words",
/// 2021), its outputs taken from the mean over all patches instead of a class token (Beyer et al.,
/// "Better plain ViT baselines", 2022).
public struct VisionTransformer: Predictor, LayeredModel {
  let embedding: Linear
  /// One of the two is there.
  let learnedPositions: LearnedPositions?
  let sinusoidalPositions: SinusoidalPositions?
  let blocks: [EncoderBlock]
  let finalNorm: LayerNorm
  let head: Linear
  let patch: Int
  let dropout: Float
  let recomputes: Bool

  /// - Parameters:
  ///   - sampleShape: [H, W], both multiples of the patch's side.
  ///   - outputs: C.
  public init(_ configuration: VisionTransformerConfiguration, sampleShape: Shape, outputs: Int) {
    let (side, width) = (configuration.patch, configuration.width)
    let positions = sampleShape[0] / side * (sampleShape[1] / side)
    patch = side
    dropout = Float(configuration.dropout)
    recomputes = configuration.recompute
    embedding = Linear(inputs: side * side, outputs: width)
    let isLearned = configuration.positions == .learned
    learnedPositions = isLearned ? LearnedPositions(positions: positions, width: width) : nil
    sinusoidalPositions =
      isLearned ? nil : SinusoidalPositions(positions: positions, width: width)
    blocks = (0..<configuration.layers).map { _ in
      EncoderBlock(width: width, heads: configuration.heads, dropout: configuration.dropout)
    }
    finalNorm = LayerNorm(width: width)
    head = Linear(inputs: width, outputs: outputs)
  }

  /// - Parameter samples: [B, H, W].
  /// - Returns: [B, C].
  public func outputs(of samples: Tensor) -> Tensor {
    var x = embedding(samples.patches(side: patch))  // [B, T, D]
    if let learnedPositions { x = learnedPositions(x) }
    if let sinusoidalPositions { x = sinusoidalPositions(x) }
    x = x.dropout(dropout).observed(as: "embedding")
    for (index, block) in blocks.enumerated() {
      let run = { block($0, name: "block \(index)") }
      // The last block's activations are wanted at once: keeping them takes no more memory.
      x = recomputes && index < blocks.count - 1 ? x.recomputing(run) : run(x)
    }
    return readout(of: x).observed(as: "outputs")
  }

  public func readout(of states: Tensor) -> Tensor {
    head(finalNorm(states).meanOverPositions())
  }
}
