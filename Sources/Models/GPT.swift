// B sequences, T positions, D width, H heads, K head width, F feed-forward width, V vocabulary.

import LockstepNeuralNetworks
import LockstepTensors

/// GPT-2 (Radford et al., 2019): learned positions, pre-norm blocks, tanh GELU, a head tied to the
/// token embedding. Names and layouts of the parameters are those of Hugging Face's
/// `GPT2LMHeadModel`.
public struct GPT: LanguageModel, LayeredModel {
  public let configuration: GPTConfiguration

  let tokenEmbedding: Embedding
  let positionEmbedding: Embedding
  let blocks: [GPTBlock]
  let finalNorm: LayerNorm

  public static let checkpointNames = [
    "tokenEmbedding": "transformer.wte",
    "positionEmbedding": "transformer.wpe",
    "blocks": "transformer.h",
    "finalNorm": "transformer.ln_f",
  ]

  /// - Parameters:
  ///   - configuration: Layers, heads, width, context, dropout.
  ///   - vocabularyCount: V.
  public init(_ configuration: GPTConfiguration, vocabularyCount: Int) {
    self.configuration = configuration
    let width = configuration.width
    tokenEmbedding = Embedding(
      count: vocabularyCount, width: width, initializer: .normal(deviation: 0.02))
    positionEmbedding = Embedding(
      count: configuration.context, width: width, initializer: .normal(deviation: 0.02))
    blocks = (0..<configuration.layers).map { _ in GPTBlock(configuration) }
    finalNorm = LayerNorm(width: width)
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { tokenEmbedding.weight }
  public var embeddingWeight: Parameter { tokenEmbedding.weight }

  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - documents: Where documents begin in whole sequences; nil: each sequence is one text.
  ///   - cache: Holds the earlier positions; nil when `tokens` are whole sequences.
  /// - Returns: The states before the head, [B, T, D].
  public func states(
    of tokens: Indices, documents: PackedDocuments?, cache: GenerationCache?
  ) -> Tensor {
    precondition(documents == nil || cache == nil, "documents are packed in whole sequences only")
    let embedded = tokenEmbedding(tokens).observed(as: "token embedding")
    var x = positioned(embedded, documents, start: cache?.positions ?? 0)
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

  /// Adds the vectors of the positions.
  private func positioned(_ x: Tensor, _ documents: PackedDocuments?, start: Int) -> Tensor {
    guard let documents else {
      return x.addingPositions(positionEmbedding.weight.tensor, from: start)
    }
    return x + positionEmbedding(documents.positions)
  }

  public func products(sequences: Int, positions: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let rows = sequences * positions
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: 3 * width, count: layers)
    products.addCausalAttention(
      sequences: sequences, positions: positions, width: width, count: layers)
    products.add(rows: rows, inner: width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: 4 * width, count: layers)
    products.add(rows: rows, inner: 4 * width, columns: width, count: layers)
    products.add(rows: rows, inner: width, columns: headWeight.shape[0])
    return products
  }

  public func makeCache(sequences: Int, in workspace: Workspace) -> GenerationCache {
    GenerationCache(
      layers: blocks.map { _ in
        AttentionCache(
          sequences: sequences, capacity: context, columns: configuration.width, in: workspace)
      })
  }
}

/// x + attention(norm(x)), then x + feedForward(norm(x)).
struct GPTBlock: Module {
  let attentionNorm: LayerNorm
  let attention: GPTAttention
  let feedForwardNorm: LayerNorm
  let feedForward: GPTFeedForward

  static let checkpointNames = [
    "attentionNorm": "ln_1", "attention": "attn", "feedForwardNorm": "ln_2", "feedForward": "mlp",
  ]

  init(_ configuration: GPTConfiguration) {
    attentionNorm = LayerNorm(width: configuration.width)
    attention = GPTAttention(configuration)
    feedForwardNorm = LayerNorm(width: configuration.width)
    feedForward = GPTFeedForward(configuration)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(
    _ x: Tensor, mask: AttentionMask, cache: AttentionCache?, name: String
  ) -> Tensor {
    // A norm is computed again in the backward pass: of its output nothing else is wanted.
    let attended = attention(x, after: attentionNorm, mask: mask, cache: cache)
      .observed(as: "\(name) attention")
    let middle = x + attended
    let fed = feedForward(middle, after: feedForwardNorm).observed(as: "\(name) feed-forward")
    return (middle + fed).observed(as: "\(name) output")
  }
}

/// Causal self-attention of normed states, with one projection for queries, keys and values.
struct GPTAttention: Module {
  let queriesKeysValues: Linear
  let output: Linear
  let heads: Int
  let width: Int
  let dropout: Float

  static let checkpointNames = ["queriesKeysValues": "c_attn", "output": "c_proj"]

  init(_ configuration: GPTConfiguration) {
    heads = configuration.heads
    width = configuration.width
    dropout = Float(configuration.dropout)
    queriesKeysValues = .gpt(inputs: width, outputs: 3 * width)
    output = .gpt(inputs: width, outputs: width, residualLayers: configuration.layers)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(
    _ x: Tensor, after norm: LayerNorm, mask: AttentionMask, cache: AttentionCache?
  ) -> Tensor {
    let projected = x.recomputing({ norm($0) }, for: { queriesKeysValues($0) })  // [B, T, 3D]
    let headWidth = width / heads
    let queries = Heads(projected, offset: 0, count: heads, width: headWidth)
    var keys = Heads(projected, offset: width, count: heads, width: headWidth)
    var values = Heads(projected, offset: 2 * width, count: heads, width: headWidth)
    if let cache { (keys, values) = cache.append(keys: keys, values: values) }
    let attended = queries.attend(  // [B, T, D]
      keys: keys, values: values, mask: mask, dropout: dropout)
    return output(attended).dropout(dropout)
  }
}

/// Two linear layers over normed states, with GELU between; F = 4D.
struct GPTFeedForward: Module {
  let expansion: Linear
  let output: Linear
  let dropout: Float

  static let checkpointNames = ["expansion": "c_fc", "output": "c_proj"]

  init(_ configuration: GPTConfiguration) {
    let width = configuration.width
    expansion = .gpt(inputs: width, outputs: 4 * width, activation: .geluTanh)
    output = .gpt(inputs: 4 * width, outputs: width, residualLayers: configuration.layers)
    dropout = Float(configuration.dropout)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, after norm: LayerNorm) -> Tensor {
    x.recomputing({ norm($0) }, for: { expansion($0, for: { output($0) }) }).dropout(dropout)
  }
}

extension Linear {
  /// GPT-2's linear layer: weight [inputs, outputs], normal with deviation 0.02, zero bias. The
  /// weights that end in the residual stream are scaled by 1 / √(2 · layers).
  fileprivate static func gpt(
    inputs: Int, outputs: Int, activation: Activation? = nil, residualLayers: Int? = nil
  ) -> Linear {
    let normal = Initializer.normal(deviation: 0.02)
    return Linear(
      inputs: inputs, outputs: outputs, layout: .inputsByOutputs, activation: activation,
      initializer: residualLayers.map(normal.scaled(forResidualLayers:)) ?? normal,
      biasInitializer: .zeros)
  }
}
