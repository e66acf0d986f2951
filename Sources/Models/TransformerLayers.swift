// B sources, S positions of a source, T positions of a target, D width, H heads, F feed-forward
// width, K beams.

import LockstepNeuralNetworks
import LockstepTensors

/// Self-attention and a feed-forward network, each with its residual branch and norm.
struct EncoderLayer: Module {
  let attention: MultiHeadAttention
  let attentionBranch: ResidualBranch
  let feedForward: FeedForward
  let feedForwardBranch: ResidualBranch

  static let checkpointNames = [
    "attention": "self_attn", "attentionBranch": "self_attn_layer_norm", "feedForward": "",
    "feedForwardBranch": "final_layer_norm",
  ]

  init(_ configuration: TransformerConfiguration) {
    attention = MultiHeadAttention(configuration)
    attentionBranch = ResidualBranch(configuration)
    feedForward = FeedForward(configuration)
    feedForwardBranch = ResidualBranch(configuration)
  }

  /// - Parameter x: [B, S, D].
  /// - Returns: [B, S, D].
  func callAsFunction(_ x: Tensor, mask: AttentionMask, name: String) -> Tensor {
    let middle = attentionBranch(x) {
      attention($0, mask: mask).observed(as: "\(name) attention")
    }
    return feedForwardBranch(middle) { feedForward($0).observed(as: "\(name) feed-forward") }
      .observed(as: "\(name) output")
  }
}

/// Causal self-attention, attention to the source and a feed-forward network, each with its residual
/// branch and norm.
struct DecoderLayer: Module {
  let attention: MultiHeadAttention
  let attentionBranch: ResidualBranch
  let crossAttention: MultiHeadAttention
  let crossAttentionBranch: ResidualBranch
  let feedForward: FeedForward
  let feedForwardBranch: ResidualBranch

  static let checkpointNames = [
    "attention": "self_attn", "attentionBranch": "self_attn_layer_norm",
    "crossAttention": "encoder_attn", "crossAttentionBranch": "encoder_attn_layer_norm",
    "feedForward": "", "feedForwardBranch": "final_layer_norm",
  ]

  init(_ configuration: TransformerConfiguration) {
    attention = MultiHeadAttention(configuration)
    attentionBranch = ResidualBranch(configuration)
    crossAttention = MultiHeadAttention(configuration)
    crossAttentionBranch = ResidualBranch(configuration)
    feedForward = FeedForward(configuration)
    feedForwardBranch = ResidualBranch(configuration)
  }

  /// What this block's cross-attention sees of sources.
  ///
  /// - Parameter states: The encoder's, [B, S, D].
  func sourceKeys(of states: Tensor) -> SourceKeys {
    SourceKeys(keys: crossAttention.keys(states), values: crossAttention.values(states))
  }

  /// - Parameters:
  ///   - x: [B · K, T, D].
  ///   - source: Of B sources.
  ///   - mask: Which keys of the source each query sees, [B, K · T].
  ///   - cache: Holds the earlier positions and gains these; nil for whole targets.
  /// - Returns: [B · K, T, D].
  func callAsFunction(
    _ x: Tensor, source: SourceKeys, mask: AttentionMask, cache: AttentionCache?, name: String
  ) -> Tensor {
    let attended = attentionBranch(x) {
      attention($0, mask: .causal, cache: cache).observed(as: "\(name) attention")
    }
    let informed = crossAttentionBranch(attended) {
      crossAttention($0, over: source, mask: mask).observed(as: "\(name) cross-attention")
    }
    return feedForwardBranch(informed) { feedForward($0).observed(as: "\(name) feed-forward") }
      .observed(as: "\(name) output")
  }
}

/// A branch around which the input is added: x + branch(norm(x)), or norm(x + branch(x)).
struct ResidualBranch: Module {
  let norm: LayerNorm
  let placement: TransformerConfiguration.NormPlacement
  let dropout: Float

  static let checkpointNames = ["norm": ""]

  init(_ configuration: TransformerConfiguration) {
    norm = LayerNorm(width: configuration.width)
    placement = configuration.norm
    dropout = Float(configuration.dropout)
  }

  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - branch: From [B, T, D] to [B, T, D].
  func callAsFunction(_ x: Tensor, branch: (Tensor) -> Tensor) -> Tensor {
    switch placement {
    case .pre: x + branch(norm(x)).dropout(dropout)
    case .post: norm(x + branch(x).dropout(dropout))
    }
  }
}

/// Attention of queries to keys and values, H heads side by side.
struct MultiHeadAttention: Module {
  let queries: Linear
  let keys: Linear
  let values: Linear
  let output: Linear
  let heads: Int
  let dropout: Float

  static let checkpointNames = [
    "queries": "q_proj", "keys": "k_proj", "values": "v_proj", "output": "out_proj",
  ]

  init(_ configuration: TransformerConfiguration) {
    let width = configuration.width
    // The three together are one matrix [3D, D] to Xavier's rule, as in PyTorch.
    let joint = Initializer.xavierUniform(inputs: width, outputs: 3 * width)
    func projection(_ initializer: Initializer) -> Linear {
      Linear(inputs: width, outputs: width, initializer: initializer, biasInitializer: .zeros)
    }
    queries = projection(joint)
    keys = projection(joint)
    values = projection(joint)
    output = projection(.xavierUniform(inputs: width, outputs: width))
    heads = configuration.heads
    dropout = Float(configuration.dropout)
  }

  /// Self-attention.
  ///
  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - cache: Holds the earlier positions and gains these. Default: nil.
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, mask: AttentionMask, cache: AttentionCache? = nil) -> Tensor {
    var (k, v) = (split(keys(x)), split(values(x)))
    if let cache { (k, v) = cache.append(keys: k, values: v) }
    return output(split(queries(x)).attend(keys: k, values: v, mask: mask, dropout: dropout))
  }

  /// Attention to sources.
  ///
  /// - Parameters:
  ///   - x: [B · K, T, D].
  ///   - source: Of B sources.
  ///   - mask: Which keys each query sees, [B, K · T].
  /// - Returns: [B · K, T, D].
  func callAsFunction(_ x: Tensor, over source: SourceKeys, mask: AttentionMask) -> Tensor {
    let (sources, width) = (source.keys.shape[0], x.shape.last)
    let asked = queries(x).reshaped(to: [sources, x.shape.rows / sources, width])  // [B, K · T, D]
    let attended = split(asked).attend(
      keys: split(source.keys), values: split(source.values), mask: mask, dropout: dropout)
    return output(attended).reshaped(to: x.shape)  // [B · K, T, D]
  }

  /// - Parameter x: [B, T, D].
  private func split(_ x: Tensor) -> Heads {
    Heads(x, count: heads, width: x.shape.last / heads)
  }
}

/// Two linear layers with an activation between.
struct FeedForward: Module {
  let expansion: Linear
  let output: Linear

  static let checkpointNames = ["expansion": "fc1", "output": "fc2"]

  init(_ configuration: TransformerConfiguration) {
    let (width, inner) = (configuration.width, configuration.feedForwardWidth)
    expansion = Linear(
      inputs: width, outputs: inner, activation: configuration.activation.activation,
      initializer: .xavierUniform(inputs: width, outputs: inner), biasInitializer: .zeros)
    output = Linear(
      inputs: inner, outputs: width, initializer: .xavierUniform(inputs: inner, outputs: width),
      biasInitializer: .zeros)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor) -> Tensor { expansion(x, for: { output($0) }) }
}

extension TransformerConfiguration.FeedForwardActivation {
  fileprivate var activation: Activation {
    switch self {
    case .relu: .relu
    case .gelu: .gelu
    }
  }
}

extension AttentionMask {
  /// Every query sees its source up to its length.
  ///
  /// - Parameters:
  ///   - lengths: Tokens of each source, [B].
  ///   - queries: T, queries to each source.
  static func sources(of lengths: [Int], queries: Int) -> AttentionMask {
    .ranges(
      KeyRanges(
        lower: [Int32](repeating: 0, count: lengths.count * queries),
        upper: lengths.flatMap { repeatElement(Int32($0), count: queries) }))
  }
}
