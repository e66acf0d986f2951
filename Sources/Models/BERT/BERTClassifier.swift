// B sequences, T positions, D width, C classes.

import LockstepNeuralNetworks
import LockstepTensors

/// BERT with a head for classes: the state of the first token, `[CLS]`, through a layer with tanh (the pooler) and
/// one that scores classes (Devlin et al., 2019). Names and layouts of the parameters are those of Hugging Face's
/// `BertForSequenceClassification`.
public struct BERTClassifier: TextClassifier {
  let encoder: BERTEncoder
  let pooler: Linear
  let classifier: Linear

  static let poolerModule = "bert.pooler"
  static let scoreModule = "classifier"
  public static let checkpointNames = ["encoder": "", "pooler": poolerModule + ".dense"]

  /// - Parameters:
  ///   - configuration: The shape.
  ///   - vocabularyCount: V.
  ///   - classCount: C.
  public init(_ configuration: BERTConfiguration, vocabularyCount: Int, classCount: Int) {
    encoder = BERTEncoder(configuration, vocabularyCount: vocabularyCount)
    pooler = .bert(inputs: configuration.width, outputs: configuration.width, activation: .tanh)
    classifier = .bert(inputs: configuration.width, outputs: classCount)
  }

  public var context: Int { encoder.context }
  public var headModules: [String] { [Self.poolerModule, Self.scoreModule] }

  public func outputs(of tokens: Indices, lengths: [Int]) -> Tensor {
    let states = encoder.states(of: tokens, lengths: lengths)  // [B, T, D]
    let length = Int32(tokens.shape[1])
    let first = Indices((0..<Int32(lengths.count)).map { $0 * length }, shape: [lengths.count])
    return classifier(
      pooler(
        states.reshaped(to: [states.shape.rows, states.shape.last])  // [B · T, D]
          .rows(at: first)  // [B, D]
      ).dropout(Float(encoder.configuration.dropout)))
  }
}

extension BERTConfiguration: ClassifyingArchitecture {
  public static var scoreModule: String { BERTClassifier.scoreModule }

  public var bodySummary: String {
    // It has a head, if not this one.
    var other = self
    other.head = true
    return other.summary
  }

  public func classifier(vocabularyCount: Int, classCount: Int) -> any TextClassifier {
    BERTClassifier(
      self, vocabularyCount: vocabulary ?? vocabularyCount, classCount: classCount)
  }
}
