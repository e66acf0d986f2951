// B sequences, T positions, D width, V vocabulary, N positions whose token is predicted.

import LockstepNeuralNetworks
import LockstepTensors

/// BERT (Devlin et al., 2019) with its masked-language-modeling head, which is tied to the token embedding
/// behind a transform. Names and layouts of the parameters are those of Hugging Face's `BertForMaskedLM`.
public struct BERT: MaskedLanguageModel, LayeredModel {
  let encoder: BERTEncoder
  let transform: Linear
  let transformNorm: LayerNorm
  public let headBias: Parameter

  public static let checkpointNames = [
    "encoder": "",
    "transform": "cls.predictions.transform.dense",
    "transformNorm": "cls.predictions.transform.LayerNorm",
    "headBias": "cls.predictions.bias",
  ]

  /// - Parameters:
  ///   - configuration: The shape.
  ///   - vocabularyCount: V.
  public init(_ configuration: BERTConfiguration, vocabularyCount: Int) {
    encoder = BERTEncoder(configuration, vocabularyCount: vocabularyCount)
    transform = .bert(
      inputs: configuration.width, outputs: configuration.width,
      activation: configuration.activation.activation)
    transformNorm = LayerNorm(
      width: configuration.width, epsilon: Float(configuration.normEpsilon))
    headBias = Parameter([vocabularyCount], initializer: .zeros)
  }

  public var configuration: BERTConfiguration { encoder.configuration }
  public var context: Int { configuration.context }
  public var headWeight: Parameter { encoder.tokenEmbedding.weight }

  public func states(of tokens: Indices, lengths: [Int]?) -> Tensor {
    encoder.states(of: tokens, lengths: lengths)
  }

  public func transformed(_ states: Tensor) -> Tensor {
    transformNorm(transform(states)).observed(as: "head transform")
  }

  public func readout(of states: Tensor) -> Tensor {
    transformed(states).linear(weight: headWeight.tensor, bias: headBias.tensor)
  }
}
