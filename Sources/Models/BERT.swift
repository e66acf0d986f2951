// B sequences, T positions, D width, H heads, K head width, F feed-forward width, V vocabulary,
// N positions whose token is predicted.

import LockstepNeuralNetworks
import LockstepTensors

/// BERT (Devlin et al., 2019) with its masked-language-modeling head: learned positions, post-norm
/// blocks, a head tied to the token embedding behind a transform. Names and layouts of the parameters
/// are those of Hugging Face's `BertForMaskedLM`.
public struct BERT: MaskedLanguageModel {
  public let configuration: BERTConfiguration

  let tokenEmbedding: Embedding
  let positionEmbedding: LearnedPositions
  let tokenTypeEmbedding: Embedding
  let embeddingNorm: LayerNorm
  let blocks: [BERTBlock]
  let transform: Linear
  let transformNorm: LayerNorm
  public let headBias: Parameter

  public static let checkpointNames = [
    "tokenEmbedding": "bert.embeddings.word_embeddings",
    "positionEmbedding": "bert.embeddings.position_embeddings",
    "tokenTypeEmbedding": "bert.embeddings.token_type_embeddings",
    "embeddingNorm": "bert.embeddings.LayerNorm",
    "blocks": "bert.encoder.layer",
    "transform": "cls.predictions.transform.dense",
    "transformNorm": "cls.predictions.transform.LayerNorm",
    "headBias": "cls.predictions.bias",
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
    blocks = (0..<configuration.layers).map { _ in BERTBlock(configuration) }
    transform = .bert(
      inputs: width, outputs: width, activation: configuration.activation.activation)
    transformNorm = LayerNorm(width: width, epsilon: epsilon)
    headBias = Parameter([vocabularyCount], initializer: .zeros)
  }

  public var context: Int { configuration.context }
  public var headWeight: Parameter { tokenEmbedding.weight }

  /// - Parameter tokens: [B, T].
  /// - Returns: [B, T, D].
  public func states(of tokens: Indices) -> Tensor {
    let types = Indices([Int32](repeating: 0, count: tokens.shape.count), shape: tokens.shape)
    let embedded = positionEmbedding(tokenEmbedding(tokens) + tokenTypeEmbedding(types))
    var x = embeddingNorm(embedded)
      .dropout(Float(configuration.dropout))
      .observed(as: "embedding")
    for (index, block) in blocks.enumerated() {
      let run = { block($0, name: "block \(index)") }
      // The last block's activations are wanted at once: keeping them takes no more memory.
      let recomputes = configuration.recompute && index < blocks.count - 1
      x = recomputes ? x.recomputing(run) : run(x)
    }
    return x
  }

  public func transformed(_ states: Tensor) -> Tensor {
    transformNorm(transform(states)).observed(as: "head transform")
  }

  public func products(sequences: Int, positions: Int, predicted: Int) -> ForwardProducts {
    let (width, layers) = (configuration.width, configuration.layers)
    let (hidden, rows) = (configuration.feedForwardWidth, sequences * positions)
    var products = ForwardProducts()
    products.add(rows: rows, inner: width, columns: width, count: 4 * layers)
    products.addFullAttention(
      sequences: sequences, queries: positions, keys: positions, width: width, count: layers)
    products.add(rows: rows, inner: width, columns: hidden, count: layers)
    products.add(rows: rows, inner: hidden, columns: width, count: layers)
    products.add(rows: predicted, inner: width, columns: width)
    products.add(rows: predicted, inner: width, columns: headWeight.shape[0])
    return products
  }
}

/// norm(x + attention(x)), then norm(x + feedForward(x)).
struct BERTBlock: Module {
  let queries: Linear
  let keys: Linear
  let values: Linear
  let attentionOutput: Linear
  let attentionNorm: LayerNorm
  let expansion: Linear
  let output: Linear
  let outputNorm: LayerNorm
  let heads: Int
  let dropout: Float

  static let checkpointNames = [
    "queries": "attention.self.query",
    "keys": "attention.self.key",
    "values": "attention.self.value",
    "attentionOutput": "attention.output.dense",
    "attentionNorm": "attention.output.LayerNorm",
    "expansion": "intermediate.dense",
    "output": "output.dense",
    "outputNorm": "output.LayerNorm",
  ]

  init(_ configuration: BERTConfiguration) {
    let (width, epsilon) = (configuration.width, Float(configuration.normEpsilon))
    let hidden = configuration.feedForwardWidth
    queries = .bert(inputs: width, outputs: width)
    keys = .bert(inputs: width, outputs: width)
    values = .bert(inputs: width, outputs: width)
    attentionOutput = .bert(inputs: width, outputs: width)
    attentionNorm = LayerNorm(width: width, epsilon: epsilon)
    expansion = .bert(
      inputs: width, outputs: hidden, activation: configuration.activation.activation)
    output = .bert(inputs: hidden, outputs: width)
    outputNorm = LayerNorm(width: width, epsilon: epsilon)
    heads = configuration.heads
    dropout = Float(configuration.dropout)
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  func callAsFunction(_ x: Tensor, name: String) -> Tensor {
    let attended = attention(x).observed(as: "\(name) attention")
    let middle = attentionNorm(x + attended)
    let fed = expansion(middle, for: { output($0) }).dropout(dropout)
      .observed(as: "\(name) feed-forward")
    return outputNorm(middle + fed).observed(as: "\(name) output")
  }

  /// - Parameter x: [B, T, D].
  /// - Returns: [B, T, D].
  private func attention(_ x: Tensor) -> Tensor {
    let headWidth = x.shape.last / heads
    let queries = Heads(self.queries(x), count: heads, width: headWidth)
    let keys = Heads(self.keys(x), count: heads, width: headWidth)
    let values = Heads(self.values(x), count: heads, width: headWidth)
    let attended = queries.attend(keys: keys, values: values, mask: .full, dropout: dropout)
    return attentionOutput(attended).dropout(dropout)
  }
}

extension Linear {
  /// BERT's linear layer: weight [outputs, inputs], normal with deviation 0.02, zero bias.
  fileprivate static func bert(
    inputs: Int, outputs: Int, activation: Activation? = nil
  ) -> Linear {
    Linear(
      inputs: inputs, outputs: outputs, activation: activation,
      initializer: .normal(deviation: 0.02), biasInitializer: .zeros)
  }
}
