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
  let blocks: BlockStack<TransformerBlock>
  let finalNorm: LayerNorm

  public static let checkpointNames = [
    "tokenEmbedding": "transformer.wte",
    "positionEmbedding": "transformer.wpe",
    "blocks": "transformer.h",
    "blocks.attention": "",
    "blocks.attention.norm": "ln_1",
    "blocks.attention.branch": "attn",
    "blocks.attention.branch.joint": "c_attn",
    "blocks.attention.branch.output": "c_proj",
    "blocks.feedForward": "",
    "blocks.feedForward.norm": "ln_2",
    "blocks.feedForward.branch": "mlp",
    "blocks.feedForward.branch.expansion": "c_fc",
    "blocks.feedForward.branch.output": "c_proj",
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
    blocks = BlockStack(count: configuration.layers, recomputes: configuration.recompute) {
      TransformerBlock(configuration)
    }
    finalNorm = LayerNorm(width: width)
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { tokenEmbedding.weight }
  public var embeddingWeight: Parameter { tokenEmbedding.weight }

  public func states(
    of tokens: Indices, documents: PackedDocuments?, cache: GenerationCache?
  ) -> Tensor {
    precondition(documents == nil || cache == nil, "documents are packed in whole sequences only")
    let embedded = tokenEmbedding(tokens).observed(as: "token embedding")  // [B, T, D]
    let x = positioned(embedded, documents, cache)
      .dropout(Float(configuration.dropout))
      .observed(as: "embedding")
    return finalNorm(blocks(x, mask: documents?.mask ?? .causal, caches: cache?.layers))
      .observed(as: "final norm")
  }

  public func readout(of states: Tensor) -> Tensor {
    finalNorm(states).linear(weight: headWeight.tensor)
  }

  /// Adds the vectors of the positions.
  private func positioned(
    _ x: Tensor, _ documents: PackedDocuments?, _ cache: GenerationCache?
  ) -> Tensor {
    if let documents { return x + positionEmbedding(documents.positions) }
    guard let cache, !cache.isEven else {
      return x.addingPositions(
        positionEmbedding.weight.tensor, from: cache?.positions ?? 0)
    }
    let places = cache.filled.flatMap { start in (0..<x.shape[1]).map { Int32(start + $0) } }
    return x + positionEmbedding(Indices(places, shape: [x.shape[0], x.shape[1]]))
  }

  public func makeCache(
    sequences: Int, capacity: Int, in workspace: Workspace
  ) -> GenerationCache {
    GenerationCache(
      layers: blocks.makeCaches(sequences: sequences, capacity: capacity, in: workspace))
  }
}

extension TransformerBlock {
  /// GPT-2's: one projection for queries, keys and values.
  fileprivate init(_ configuration: GPTConfiguration) {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, dropout) = (configuration.feedForwardWidth, configuration.dropout)
    self.init(
      attention: Residual(
        SelfAttention(
          JointProjection(.gpt(inputs: width, outputs: 3 * width)),
          output: .gpt(inputs: width, outputs: width, residualLayers: layers),
          heads: AttentionHeads(count: configuration.heads, width: configuration.headWidth),
          dropout: dropout),
        norm: LayerNorm(width: width), dropout: dropout),
      feedForward: Residual(
        FeedForward(
          .gpt(inputs: width, outputs: hidden, activation: .geluTanh),
          output: .gpt(inputs: hidden, outputs: width, residualLayers: layers)),
        norm: LayerNorm(width: width), dropout: dropout))
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
