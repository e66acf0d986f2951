// B sequences, T positions, D width, H heads, K head width, F feed-forward width, V vocabulary.

import LockstepNeuralNetworks
import LockstepTensors

/// BERT (Devlin et al., 2019) without a head: learned positions, post-norm blocks. Names and layouts of the
/// parameters are those of Hugging Face's `BertModel` in a model with a head.
public struct BERTEncoder: TextEncoder {
  public let configuration: BERTConfiguration

  let tokenEmbedding: Embedding
  let positionEmbedding: LearnedPositions
  let tokenTypeEmbedding: Embedding
  let embeddingNorm: LayerNorm
  let blocks: BlockStack<TransformerBlock>

  public static let checkpointNames = [
    "tokenEmbedding": "bert.embeddings.word_embeddings",
    "positionEmbedding": "bert.embeddings.position_embeddings",
    "tokenTypeEmbedding": "bert.embeddings.token_type_embeddings",
    "embeddingNorm": "bert.embeddings.LayerNorm",
    "blocks": "bert.encoder.layer",
    "blocks.attention.norm": "output.LayerNorm",
    "blocks.attention.branch": "",
    "blocks.attention.branch.queries": "self.query",
    "blocks.attention.branch.keys": "self.key",
    "blocks.attention.branch.values": "self.value",
    "blocks.attention.branch.output": "output.dense",
    "blocks.feedForward": "",
    "blocks.feedForward.norm": "output.LayerNorm",
    "blocks.feedForward.branch": "",
    "blocks.feedForward.branch.expansion": "intermediate.dense",
    "blocks.feedForward.branch.output": "output.dense",
  ]

  /// - Parameters:
  ///   - configuration: The shape.
  ///   - vocabularyCount: V.
  public init(_ configuration: BERTConfiguration, vocabularyCount: Int) {
    self.configuration = configuration
    let (width, epsilon) = (configuration.width, Float(configuration.normEpsilon))
    let normal = Initializer.normal(deviation: 0.02)
    tokenEmbedding = Embedding(count: vocabularyCount, width: width, initializer: normal)
    positionEmbedding = LearnedPositions(
      positions: configuration.context, width: width, initializer: normal)
    tokenTypeEmbedding = Embedding(
      count: configuration.tokenTypes, width: width, initializer: normal)
    embeddingNorm = LayerNorm(width: width, epsilon: epsilon)
    blocks = BlockStack(count: configuration.layers, recomputes: configuration.recompute) {
      TransformerBlock(configuration)
    }
  }

  public var context: Int { configuration.context }

  public func states(of tokens: Indices, lengths: [Int]?) -> Tensor {
    let types = Indices([Int32](repeating: 0, count: tokens.shape.count), shape: tokens.shape)
    let embedded = positionEmbedding(
      tokenEmbedding(tokens).observed(as: "token embedding") + tokenTypeEmbedding(types))
    let x = embeddingNorm(embedded)  // [B, T, D]
      .dropout(Float(configuration.dropout))
      .observed(as: "embedding")
    return blocks(x, mask: lengths.map { .texts(of: $0, queries: tokens.shape[1]) } ?? .full)
  }
}

extension TransformerBlock {
  /// BERT's: a norm behind each part.
  fileprivate init(_ configuration: BERTConfiguration) {
    let (width, hidden) = (configuration.width, configuration.feedForwardWidth)
    let dropout = configuration.dropout
    func projection() -> Linear { .bert(inputs: width, outputs: width) }
    func norm() -> LayerNorm {
      LayerNorm(width: width, epsilon: Float(configuration.normEpsilon))
    }
    self.init(
      attention: Residual(
        SelfAttention(
          SeparateProjections(queries: projection(), keys: projection(), values: projection()),
          output: projection(),
          heads: AttentionHeads(count: configuration.heads, width: configuration.headWidth),
          dropout: dropout),
        norm: norm(), placement: .post, dropout: dropout),
      feedForward: Residual(
        FeedForward(
          .bert(
            inputs: width, outputs: hidden, activation: configuration.activation.activation),
          output: .bert(inputs: hidden, outputs: width)),
        norm: norm(), placement: .post, dropout: dropout))
  }
}

extension Linear {
  /// BERT's linear layer: weight [outputs, inputs], normal with deviation 0.02, zero bias.
  static func bert(
    inputs: Int, outputs: Int, activation: Activation? = nil
  ) -> Linear {
    Linear(
      inputs: inputs, outputs: outputs, activation: activation,
      initializer: .normal(deviation: 0.02), biasInitializer: .zeros)
  }
}
