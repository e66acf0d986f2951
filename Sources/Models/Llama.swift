// B sequences, T positions, D width, H heads, G heads of keys and values, K head width,
// F feed-forward width, V vocabulary.

import LockstepNeuralNetworks
import LockstepTensors

/// Llama (Touvron et al., 2023): rotary positions, pre-norm blocks with RMS norm, grouped-query
/// attention (Ainslie et al., 2023), SwiGLU, no biases. Names and layouts of the parameters are those
/// of Hugging Face's `LlamaForCausalLM`.
public struct Llama: LanguageModel, LayeredModel {
  public let configuration: LlamaConfiguration

  let tokenEmbedding: Embedding
  let blocks: [LlamaBlock]
  let finalNorm: RMSNorm
  /// Nil where the head is the token embedding.
  let head: Linear?

  public static let checkpointNames = [
    "tokenEmbedding": "model.embed_tokens",
    "blocks": "model.layers",
    "finalNorm": "model.norm",
    "head": "lm_head",
  ]

  /// - Parameters:
  ///   - configuration: The shape.
  ///   - vocabularyCount: V.
  public init(_ configuration: LlamaConfiguration, vocabularyCount: Int) {
    self.configuration = configuration
    let width = configuration.width
    tokenEmbedding = Embedding(
      count: vocabularyCount, width: width, initializer: .normal(deviation: 0.02))
    blocks = (0..<configuration.layers).map { _ in LlamaBlock(configuration) }
    finalNorm = RMSNorm(width: width, epsilon: Float(configuration.normEpsilon))
    head = configuration.tieEmbeddings ? nil : .llama(inputs: width, outputs: vocabularyCount)
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { head?.weight ?? tokenEmbedding.weight }
  public var embeddingWeight: Parameter { tokenEmbedding.weight }

  /// Rotary positions are relative, so documents need no positions of their own.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - documents: Where documents begin in whole sequences; nil: each sequence is one text.
  ///   - cache: Holds the earlier positions; nil when `tokens` are whole sequences.
  /// - Returns: The states before the head, [B, T, D].
  public func states(
    of tokens: Indices, documents: PackedDocuments?, cache: GenerationCache?
  ) -> Tensor {
    precondition(documents == nil || cache == nil, "documents are packed in whole sequences only")
    let positions = (cache?.positions ?? 0) + tokens.shape[1]
    precondition(positions <= context, "\(positions) positions in a context of \(context)")
    var x = tokenEmbedding(tokens)
      .dropout(Float(configuration.dropout))
      .observed(as: "embedding")
    let mask = documents?.mask ?? .causal
    for (index, block) in blocks.enumerated() {
      let run = { block($0, mask: mask, cache: cache?.layers[index], name: "block \(index)") }
      // The last block's activations are wanted at once: keeping them takes no more memory.
      let recomputes = configuration.recompute && cache == nil && index < blocks.count - 1
      x = recomputes ? x.recomputing(run) : run(x)
    }
    return finalNorm(x).observed(as: "final norm")
  }

  public func readout(of states: Tensor) -> Tensor {
    finalNorm(states).linear(weight: headWeight.tensor)
  }

  public func products(sequences: Int, positions: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, rows) = (configuration.feedForwardWidth, sequences * positions)
    let keyColumns = configuration.keyValueHeadCount * configuration.headWidth
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: keyColumns, count: 2 * layers)
    products.addCausalAttention(
      sequences: sequences, positions: positions, width: width, count: layers)
    products.add(rows: rows, inner: width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: hidden, count: 2 * layers)
    products.add(rows: rows, inner: hidden, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: headWeight.shape[0])
    return products
  }

  public func makeCache(sequences: Int, in workspace: Workspace) -> GenerationCache {
    let columns = configuration.keyValueHeadCount * configuration.headWidth
    return GenerationCache(
      layers: blocks.map { _ in
        AttentionCache(sequences: sequences, capacity: context, columns: columns, in: workspace)
      })
  }
}

/// x + attention(norm(x)), then x + feedForward(norm(x)).
struct LlamaBlock: Module {
  let attentionNorm: RMSNorm
  let attention: LlamaAttention
  let feedForwardNorm: RMSNorm
  let feedForward: LlamaFeedForward

  static let checkpointNames = [
    "attentionNorm": "input_layernorm", "attention": "self_attn",
    "feedForwardNorm": "post_attention_layernorm", "feedForward": "mlp",
  ]

  init(_ configuration: LlamaConfiguration) {
    let epsilon = Float(configuration.normEpsilon)
    attentionNorm = RMSNorm(width: configuration.width, epsilon: epsilon)
    attention = LlamaAttention(configuration)
    feedForwardNorm = RMSNorm(width: configuration.width, epsilon: epsilon)
    feedForward = LlamaFeedForward(configuration)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(
    _ x: Tensor, mask: AttentionMask, cache: AttentionCache?, name: String
  ) -> Tensor {
    // A norm is computed again in the backward pass.
    let attended = x.recomputing(
      { attentionNorm($0) }, for: { attention($0, mask: mask, cache: cache) }
    ).observed(as: "\(name) attention")
    let middle = x + attended
    let fed = middle.recomputing({ feedForwardNorm($0) }, for: { feedForward($0) })
      .observed(as: "\(name) feed-forward")
    return (middle + fed).observed(as: "\(name) output")
  }
}

/// Causal self-attention with rotary positions, in which several heads of queries share one of keys
/// and values.
struct LlamaAttention: Module {
  let queries: Linear
  let keys: Linear
  let values: Linear
  let output: Linear
  let heads: Int
  let keyValueHeads: Int
  let headWidth: Int
  let frequencies: RotaryFrequencies
  let dropout: Float

  static let checkpointNames = [
    "queries": "q_proj", "keys": "k_proj", "values": "v_proj", "output": "o_proj",
  ]

  init(_ configuration: LlamaConfiguration) {
    heads = configuration.heads
    keyValueHeads = configuration.keyValueHeadCount
    headWidth = configuration.headWidth
    frequencies = RotaryFrequencies(base: configuration.ropeTheta, headWidth: headWidth)
    dropout = Float(configuration.dropout)
    let width = configuration.width
    queries = .llama(inputs: width, outputs: width)
    keys = .llama(inputs: width, outputs: keyValueHeads * headWidth)
    values = .llama(inputs: width, outputs: keyValueHeads * headWidth)
    output = .llama(inputs: width, outputs: width, residualLayers: configuration.layers)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, mask: AttentionMask, cache: AttentionCache?) -> Tensor {
    let start = cache?.positions ?? 0
    let queries = Heads(self.queries(x), count: heads, width: headWidth)  // [B, T, H · K]
      .rotated(by: frequencies, from: start)
    var keys = Heads(self.keys(x), count: keyValueHeads, width: headWidth)  // [B, T, G · K]
      .rotated(by: frequencies, from: start)
    var values = Heads(self.values(x), count: keyValueHeads, width: headWidth)
    if let cache { (keys, values) = cache.append(keys: keys, values: values) }
    let attended = queries.attend(  // [B, T, D]
      keys: keys, values: values, mask: mask, dropout: dropout)
    return output(attended).dropout(dropout)
  }
}

/// SwiGLU: down(silu(gate(x)) · up(x)).
struct LlamaFeedForward: Module {
  let gate: Linear
  let up: Linear
  let down: Linear
  let dropout: Float

  static let checkpointNames = ["gate": "gate_proj", "up": "up_proj", "down": "down_proj"]

  init(_ configuration: LlamaConfiguration) {
    let (width, hidden) = (configuration.width, configuration.feedForwardWidth)
    gate = .llama(inputs: width, outputs: hidden)
    up = .llama(inputs: width, outputs: hidden)
    down = .llama(inputs: hidden, outputs: width, residualLayers: configuration.layers)
    dropout = Float(configuration.dropout)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor) -> Tensor {
    let factor = up(x)  // [B, T, F]
    return gate(x).recomputing({ $0.swiglu(factor) }, for: { down($0) }).dropout(dropout)
  }
}

extension Linear {
  /// Llama's linear layer: weight [outputs, inputs], normal with deviation 0.02, no bias. The weights
  /// that end in the residual stream are scaled by 1 / √(2 · layers), as in GPT-2.
  fileprivate static func llama(
    inputs: Int, outputs: Int, residualLayers: Int? = nil
  ) -> Linear {
    let normal = Initializer.normal(deviation: 0.02)
    return Linear(
      inputs: inputs, outputs: outputs, hasBias: false,
      initializer: residualLayers.map(normal.scaled(forResidualLayers:)) ?? normal)
  }
}
