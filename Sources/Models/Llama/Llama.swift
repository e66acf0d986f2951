// B sequences, T positions, D width, H heads, G heads of keys and values, K head width,
// F feed-forward width, V vocabulary.

import LockstepNeuralNetworks
import LockstepTensors

/// Llama (Touvron et al., 2023) and the decoders of its family: rotary positions, pre-norm blocks with
/// RMS norm, grouped-query attention (Ainslie et al., 2023), SwiGLU. Names and layouts of the parameters
/// are those of Hugging Face's `LlamaForCausalLM`, `Qwen2ForCausalLM` and `Qwen3ForCausalLM`.
public struct Llama: LanguageModel, LayeredModel {
  public let configuration: any LlamaFamily

  let tokenEmbedding: Embedding
  let blocks: BlockStack<TransformerBlock>
  let finalNorm: RMSNorm
  /// Nil where the head is the token embedding, or none is wanted.
  let head: OutputHead?

  public static let checkpointNames = [
    "tokenEmbedding": "model.embed_tokens",
    "blocks": "model.layers",
    "blocks.attention": "",
    "blocks.attention.norm": "input_layernorm",
    "blocks.attention.branch": "self_attn",
    "blocks.attention.branch.queries": "q_proj",
    "blocks.attention.branch.keys": "k_proj",
    "blocks.attention.branch.values": "v_proj",
    "blocks.attention.branch.queryNorm": "q_norm",
    "blocks.attention.branch.keyNorm": "k_norm",
    "blocks.attention.branch.output": "o_proj",
    "blocks.feedForward": "",
    "blocks.feedForward.norm": "post_attention_layernorm",
    "blocks.feedForward.branch": "mlp",
    "blocks.feedForward.branch.gate": "gate_proj",
    "blocks.feedForward.branch.expansion": "up_proj",
    "blocks.feedForward.branch.output": "down_proj",
    "finalNorm": "model.norm",
    "head": "lm_head",
  ]

  /// - Parameters:
  ///   - configuration: The shape.
  ///   - vocabularyCount: V.
  ///   - hasHead: Whether it has a head where that has weights of its own. Default: yes.
  public init(_ configuration: some LlamaFamily, vocabularyCount: Int, hasHead: Bool = true) {
    self.configuration = configuration
    let width = configuration.width
    tokenEmbedding = Embedding(
      count: vocabularyCount, width: width, initializer: .normal(deviation: 0.02))
    blocks = BlockStack(count: configuration.layers, recomputes: configuration.recompute) {
      TransformerBlock(configuration)
    }
    finalNorm = RMSNorm(width: width, epsilon: Float(configuration.normEpsilon))
    head =
      configuration.tieEmbeddings || !hasHead
      ? nil
      : OutputHead(count: vocabularyCount, width: width, initializer: .normal(deviation: 0.02))
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { head?.weight ?? tokenEmbedding.weight }
  public var embeddingWeight: Parameter { tokenEmbedding.weight }

  /// Rotary positions are relative, so documents need no positions of their own.
  public func states(
    of tokens: Indices, documents: PackedDocuments?, cache: GenerationCache?
  ) -> Tensor {
    precondition(documents == nil || cache == nil, "documents are packed in whole sequences only")
    let positions = (cache?.positions ?? 0) + tokens.shape[1]
    precondition(positions <= context, "\(positions) positions in a context of \(context)")
    let x = tokenEmbedding(tokens)  // [B, T, D]
      .dropout(Float(configuration.dropout))
      .observed(as: "embedding")
    return finalNorm(blocks(x, mask: documents?.mask ?? .causal, caches: cache?.layers))
      .observed(as: "final norm")
  }

  public func readout(of states: Tensor) -> Tensor {
    finalNorm(states).linear(weight: headWeight.tensor)
  }

  public func makeCache(
    sequences: Int, capacity: Int, in workspace: Workspace
  ) -> GenerationCache {
    GenerationCache(
      layers: blocks.makeCaches(sequences: sequences, capacity: capacity, in: workspace))
  }
}

extension TransformerBlock {
  /// Llama's: SwiGLU, no biases but those that the configuration asks for.
  fileprivate init(_ configuration: some LlamaFamily) {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, dropout) = (configuration.feedForwardWidth, configuration.dropout)
    let heads = AttentionHeads(
      count: configuration.heads, keyValueCount: configuration.keyValueHeadCount,
      width: configuration.headWidth)
    func norm(width: Int) -> RMSNorm {
      RMSNorm(width: width, epsilon: Float(configuration.normEpsilon))
    }
    func projection(to columns: Int) -> Linear {
      .llama(inputs: width, outputs: columns, hasBias: configuration.hasProjectionBiases)
    }
    let normsHeads = configuration.normsQueriesAndKeys
    self.init(
      attention: Residual(
        SelfAttention(
          SeparateProjections(
            queries: projection(to: heads.queryColumns),
            keys: projection(to: heads.keyValueColumns),
            values: projection(to: heads.keyValueColumns)),
          output: .llama(inputs: heads.queryColumns, outputs: width, residualLayers: layers),
          heads: heads,
          rotary: configuration.ropeScaling.frequencies(
            base: configuration.ropeTheta, headWidth: heads.width),
          queryNorm: normsHeads ? norm(width: heads.width) : nil,
          keyNorm: normsHeads ? norm(width: heads.width) : nil, dropout: dropout),
        norm: norm(width: width), dropout: dropout),
      feedForward: Residual(
        FeedForward(
          gate: .llama(inputs: width, outputs: hidden),
          expansion: .llama(inputs: width, outputs: hidden),
          output: .llama(inputs: hidden, outputs: width, residualLayers: layers)),
        norm: norm(width: width), dropout: dropout))
  }
}

extension Linear {
  /// Llama's linear layer: weight [outputs, inputs], normal with deviation 0.02, no bias or a zero one.
  /// The weights that end in the residual stream are scaled by 1 / √(2 · layers), as in GPT-2.
  fileprivate static func llama(
    inputs: Int, outputs: Int, hasBias: Bool = false, residualLayers: Int? = nil
  ) -> Linear {
    let normal = Initializer.normal(deviation: 0.02)
    return Linear(
      inputs: inputs, outputs: outputs, hasBias: hasBias,
      initializer: residualLayers.map(normal.scaled(forResidualLayers:)) ?? normal,
      biasInitializer: .zeros)
  }
}
