// B sources, S positions of a source, T positions of a target, D width, N targets of each source.

import LockstepNeuralNetworks
import LockstepTensors

/// Reads sources: every position sees all of its source.
struct TransformerEncoder: Module {
  let positions: Positions
  let blocks: BlockStack<TransformerBlock>
  /// Nil with norms after each branch.
  let finalNorm: LayerNorm?
  let dropout: Float

  static let checkpointNames = [
    "positions": "embed_positions",
    "blocks": "layers",
    "blocks.attention": "",
    "blocks.attention.norm": "self_attn_layer_norm",
    "blocks.attention.branch": "self_attn",
    "blocks.attention.branch.queries": "q_proj",
    "blocks.attention.branch.keys": "k_proj",
    "blocks.attention.branch.values": "v_proj",
    "blocks.attention.branch.output": "out_proj",
    "blocks.crossAttention": "",
    "blocks.crossAttention.norm": "encoder_attn_layer_norm",
    "blocks.crossAttention.branch": "encoder_attn",
    "blocks.crossAttention.branch.queries": "q_proj",
    "blocks.crossAttention.branch.keys": "k_proj",
    "blocks.crossAttention.branch.values": "v_proj",
    "blocks.crossAttention.branch.output": "out_proj",
    "blocks.feedForward": "",
    "blocks.feedForward.norm": "final_layer_norm",
    "blocks.feedForward.branch": "",
    "blocks.feedForward.branch.expansion": "fc1",
    "blocks.feedForward.branch.output": "fc2",
    "finalNorm": "layer_norm",
  ]

  init(_ configuration: TransformerConfiguration) {
    positions = Positions(configuration)
    // The last block, too: the whole decoder runs before its activations are wanted.
    blocks = BlockStack(
      count: configuration.encoderLayers, name: "encoder block",
      recomputes: configuration.recompute, recomputesLast: true
    ) {
      TransformerBlock(configuration, looksAtSources: false)
    }
    finalNorm = configuration.norm == .pre ? LayerNorm(width: configuration.width) : nil
    dropout = Float(configuration.dropout)
  }

  /// - Parameters:
  ///   - embedded: [B, S, D].
  ///   - lengths: Tokens of each source, [B].
  /// - Returns: [B, S, D].
  func callAsFunction(_ embedded: Tensor, lengths: [Int]) -> Tensor {
    let x = positions(embedded, from: 0).dropout(dropout).observed(as: "source embedding")
    let states = blocks(x, mask: .texts(of: lengths, queries: embedded.shape[1]))
    return (finalNorm?(states) ?? states).observed(as: "encoded source")
  }
}

/// Writes targets: every position sees the target up to itself, and all of the source.
struct TransformerDecoder: Module {
  let positions: Positions
  let blocks: BlockStack<TransformerBlock>
  /// Nil with norms after each branch.
  let finalNorm: LayerNorm?
  let dropout: Float

  static let checkpointNames = TransformerEncoder.checkpointNames

  init(_ configuration: TransformerConfiguration) {
    positions = Positions(configuration)
    blocks = BlockStack(
      count: configuration.decoderLayers, name: "decoder block",
      recomputes: configuration.recompute
    ) {
      TransformerBlock(configuration, looksAtSources: true)
    }
    finalNorm = configuration.norm == .pre ? LayerNorm(width: configuration.width) : nil
    dropout = Float(configuration.dropout)
  }

  /// - Parameters:
  ///   - embedded: N targets for each source, [B · N, T, D].
  ///   - sources: What each block sees of the sources.
  ///   - lengths: Tokens of each source, [B].
  ///   - caches: Each block's earlier positions; nil for whole targets. Default: nil.
  /// - Returns: [B · N, T, D].
  func callAsFunction(
    _ embedded: Tensor, sources: [SourceKeys], lengths: [Int], caches: [AttentionCache]? = nil
  ) -> Tensor {
    let x = positions(embedded, from: caches?.first?.positions ?? 0).dropout(dropout)
      .observed(as: "target embedding")
    // The targets of one source ask it together: [B, N · T, D].
    let states = blocks(
      x, mask: .causal, caches: caches, sources: sources,
      sourceMask: .texts(of: lengths, queries: embedded.shape.rows / lengths.count))
    return (finalNorm?(states) ?? states).observed(as: "decoder states")
  }
}

extension TransformerBlock {
  /// The encoder's, and with attention to sources the decoder's.
  fileprivate init(_ configuration: TransformerConfiguration, looksAtSources: Bool) {
    let (width, inner) = (configuration.width, configuration.feedForwardWidth)
    let dropout = configuration.dropout
    let heads = AttentionHeads(count: configuration.heads, width: configuration.headWidth)
    func linear(
      from inputs: Int, to outputs: Int, among all: Int? = nil, _ activation: Activation? = nil
    ) -> Linear {
      Linear(
        inputs: inputs, outputs: outputs, activation: activation,
        initializer: .xavierUniform(inputs: inputs, outputs: all ?? outputs),
        biasInitializer: .zeros)
    }
    // The three together are one matrix [3D, D] to Xavier's rule, as in PyTorch.
    func projection() -> Linear { linear(from: width, to: width, among: 3 * width) }
    func residual<Branch: Module>(_ branch: Branch) -> Residual<Branch> {
      Residual(
        branch, norm: LayerNorm(width: width), placement: configuration.norm, dropout: dropout,
        storesNormFirst: false)
    }
    self.init(
      attention: residual(
        SelfAttention(
          SeparateProjections(
            queries: projection(), keys: projection(), values: projection(),
            order: .keysValuesQueries),
          output: linear(from: width, to: width), heads: heads, dropout: dropout)),
      crossAttention: looksAtSources
        ? residual(
          CrossAttention(
            queries: projection(), keys: projection(), values: projection(),
            output: linear(from: width, to: width), heads: heads, dropout: dropout)) : nil,
      feedForward: residual(
        FeedForward(
          linear(from: width, to: inner, configuration.activation.activation),
          output: linear(from: inner, to: width))))
  }
}

/// Adds to embeddings where in the sequence they are.
struct Positions: Module {
  /// One of the two is there.
  let learned: Parameter?
  let sinusoidal: SinusoidalPositions?

  static let checkpointNames = ["learned": "weight"]

  init(_ configuration: TransformerConfiguration) {
    let (count, width) = (configuration.context, configuration.width)
    let isLearned = configuration.positions == .learned
    learned =
      isLearned
      ? Parameter([count, width], initializer: .normal(deviation: 1 / Float(width).squareRoot()))
      : nil
    sinusoidal = isLearned ? nil : SinusoidalPositions(positions: count, width: width)
  }

  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - start: The position of the first.
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, from start: Int) -> Tensor {
    if let learned { return x.addingPositions(learned.tensor, from: start) }
    return sinusoidal?(x, from: start) ?? x
  }
}

extension TransformerConfiguration.FeedForwardActivation {
  fileprivate var activation: Activation {
    switch self {
    case .relu: .relu
    case .gelu: .gelu
    }
  }
}
