// B sequences, T positions, D width, C classes.

import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights

/// A model that gives a text a score (logit) for each class: a model of texts with a head of its own.
public protocol TextClassifier: Module {
  /// The most positions that a sequence can have.
  var context: Int { get }

  /// The modules of the head, as in checkpoints. They are trained and stored whole where the rest has an adapter.
  var headModules: [String] { get }

  /// - Parameters:
  ///   - tokens: Anything behind a text, [B, T].
  ///   - lengths: Tokens of each text, each in 1 ... T, [B].
  /// - Returns: [B, C]; of each text the same whatever is behind it and beside it.
  func outputs(of tokens: Indices, lengths: [Int]) -> Tensor
}

/// An architecture that `TextClassifier`s can be made of.
public protocol ClassifyingArchitecture: Architecture {
  /// A model whose parameters are not yet bound.
  ///
  /// - Parameters:
  ///   - vocabularyCount: V, where the configuration does not name one itself.
  ///   - classCount: C.
  func classifier(vocabularyCount: Int, classCount: Int) -> any TextClassifier

  /// The module that gives the scores, as in checkpoints. What a file has under this name is of other classes,
  /// where a model begins with the weights of one that was trained for something else.
  static var scoreModule: String { get }

  /// One line for people about the network without a head of its own. Default: `summary`.
  var bodySummary: String { get }
}

extension ClassifyingArchitecture {
  public var bodySummary: String { summary }

  /// What the names in files of other networks' weights mean that a classifier begins with: those networks'
  /// heads are none of its own.
  public var beginningWeightNames: WeightNames {
    var names = weightNames
    names.otherHeads += ["cls.", "lm_head.", Self.scoreModule + "."]
    return names
  }
}

extension ModelConfiguration {
  /// The names of the architectures that texts can be classified by: `gpt, llama or bert`.
  public static var classifyingNames: String {
    let names = architectures.filter { $0 is any ClassifyingArchitecture.Type }.map { $0.name }
    return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }

  /// The architecture as one that texts can be classified by; nil where it is none.
  public var classifying: (any ClassifyingArchitecture)? {
    architecture as? any ClassifyingArchitecture
  }
}

/// A decoder whose state of a text's last token is scored, as Hugging Face's `LlamaForSequenceClassification` and
/// its like: no earlier token has seen all of the text.
public struct DecoderClassifier: TextClassifier {
  let decoder: any LanguageModel
  let score: Linear

  public static let checkpointNames = ["decoder": ""]
  static let scoreModule = "score"

  /// - Parameters:
  ///   - decoder: Without a head of its own.
  ///   - width: D.
  ///   - classCount: C.
  init(_ decoder: any LanguageModel, width: Int, classCount: Int) {
    self.decoder = decoder
    score = Linear(
      inputs: width, outputs: classCount, hasBias: false, initializer: .normal(deviation: 0.02))
  }

  public var context: Int { decoder.context }
  public var headModules: [String] { [Self.scoreModule] }

  public func outputs(of tokens: Indices, lengths: [Int]) -> Tensor {
    let length = tokens.shape[1]
    precondition(
      lengths.count == tokens.shape[0] && lengths.allSatisfy { 1...length ~= $0 },
      "lengths \(lengths) do not fit \(tokens.shape)")
    let states = decoder.states(of: tokens)  // [B, T, D]
    let last = lengths.enumerated().map { Int32($0 * length + $1 - 1) }
    return score(
      states.reshaped(to: [states.shape.rows, states.shape.last])  // [B · T, D]
        .rows(at: Indices(last, shape: [last.count])))  // [B, D]
  }
}
