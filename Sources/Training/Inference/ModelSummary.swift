import Foundation
import LockstepNeuralNetworks
import LockstepWeights

/// A model that another program saved, or a checkpoint without its manifest: what it is, and its
/// tensors, which have been found to be those of the model; their values have not been read.
public struct ModelSummary: Encodable, CustomStringConvertible {
  /// One tensor of the files.
  struct TensorSummary: Encodable {
    let name: String
    let shape: [Int]
    let type: String
  }

  let path: String
  /// One line about the architecture.
  let model: String
  /// The file that the tensors are in, or that lists their files.
  let weights: String
  let parameters: Int
  /// Tokens of the tokenizer; nil where there is none.
  let vocabulary: Int?
  /// Names of the tokens that end a text or an answer.
  let endOfText: [String]
  let hasChatTemplate: Bool
  let tensors: [TensorSummary]

  enum CodingKeys: String, CodingKey {
    case path, model, weights, parameters, vocabulary, tensors
    case endOfText = "end_of_text"
    case hasChatTemplate = "chat_template"
  }

  init(_ description: ModelDescription) throws {
    let source = try description.weights()
    let store = ParameterStore(of: try description.network().module)
    _ = try WeightAssignment(
      of: store.layouts, from: source, names: description.architecture.weightNames)
    path = description.path
    model = description.summary
    weights = source.path
    parameters = store.parameterCount
    vocabulary = description.tokenizer?.vocabularyCount
    endOfText = description.conventions.endOfTextNames
    hasChatTemplate = description.conventions.chatTemplate != nil
    tensors = source.tensors.map {
      TensorSummary(name: $0.name, shape: $0.shape, type: $0.encoding)
    }
  }

  public var description: String {
    let width = tensors.map(\.name.count).max() ?? 0
    let rows = tensors.map {
      "  " + $0.name.padding(toLength: width, withPad: " ", startingAt: 0)
        + "  \($0.type)  \($0.shape)"
    }
    return """
      \(path): model, its tensors complete
        model              \(model)
        weights            \(weights)
        parameters         \(parameters)
        tokenizer          \(vocabulary.map { "\($0) tokens" } ?? "none")
        end of text        \(endOfText.isEmpty ? "none" : endOfText.joined(separator: ", "))
        chat template      \(hasChatTemplate ? "yes" : "none")
      \(rows.joined(separator: "\n"))
      """
  }
}
