// B images, H rows and W columns of pixels, S the side of a patch, T patches, D width, C outputs.

import LockstepNeuralNetworks
import LockstepTensors

/// A Transformer over the patches of an image (Dosovitskiy et al., "An image is worth 16x16 words",
/// 2021), its outputs taken from the mean over all patches instead of a class token (Beyer et al.,
/// "Better plain ViT baselines", 2022).
public struct VisionTransformer: Predictor, LayeredModel {
  let embedding: Linear
  /// One of the two is there.
  let learnedPositions: LearnedPositions?
  let sinusoidalPositions: SinusoidalPositions?
  let blocks: BlockStack<TransformerBlock>
  let finalNorm: LayerNorm
  let head: Linear
  let patch: Int
  let dropout: Float

  public static let checkpointNames = [
    "blocks.attention": "",
    "blocks.attention.norm": "attentionNorm",
    "blocks.attention.branch": "",
    "blocks.attention.branch.joint": "queriesKeysValues",
    "blocks.attention.branch.output": "attentionOutput",
    "blocks.feedForward": "",
    "blocks.feedForward.norm": "feedForwardNorm",
    "blocks.feedForward.branch": "",
  ]

  /// - Parameters:
  ///   - sampleShape: [H, W], both multiples of the patch's side.
  ///   - outputs: C.
  public init(_ configuration: VisionTransformerConfiguration, sampleShape: Shape, outputs: Int) {
    let (side, width) = (configuration.patch, configuration.width)
    let positions = sampleShape[0] / side * (sampleShape[1] / side)
    patch = side
    dropout = Float(configuration.dropout)
    embedding = Linear(inputs: side * side, outputs: width)
    let isLearned = configuration.positions == .learned
    learnedPositions = isLearned ? LearnedPositions(positions: positions, width: width) : nil
    sinusoidalPositions =
      isLearned ? nil : SinusoidalPositions(positions: positions, width: width)
    blocks = BlockStack(count: configuration.layers, recomputes: configuration.recompute) {
      TransformerBlock(configuration)
    }
    finalNorm = LayerNorm(width: width)
    head = Linear(inputs: width, outputs: outputs)
  }

  public func outputs(of samples: Tensor) -> Tensor {
    var x = embedding(samples.patches(side: patch))  // [B, T, D]
    if let learnedPositions { x = learnedPositions(x) }
    if let sinusoidalPositions { x = sinusoidalPositions(x) }
    x = blocks(x.dropout(dropout).observed(as: "embedding"), mask: .full)
    return readout(of: x).observed(as: "outputs")
  }

  public func readout(of states: Tensor) -> Tensor {
    head(finalNorm(states).meanOverPositions())
  }
}

extension TransformerBlock {
  /// In PyTorch's default initialisation; F = 4 D.
  fileprivate init(_ configuration: VisionTransformerConfiguration) {
    let (width, dropout) = (configuration.width, configuration.dropout)
    self.init(
      attention: Residual(
        SelfAttention(
          JointProjection(Linear(inputs: width, outputs: 3 * width)),
          output: Linear(inputs: width, outputs: width),
          heads: AttentionHeads(count: configuration.heads, width: configuration.headWidth),
          dropout: dropout),
        norm: LayerNorm(width: width), dropout: dropout),
      feedForward: Residual(
        FeedForward(
          Linear(inputs: width, outputs: 4 * width, activation: .gelu),
          output: Linear(inputs: 4 * width, outputs: width)),
        norm: LayerNorm(width: width), dropout: dropout))
  }
}
