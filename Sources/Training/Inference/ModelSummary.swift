import Foundation
import LockstepNeuralNetworks
import LockstepWeights

/// A model or an adapter that another program saved, or a checkpoint without its manifest: what it is, and its
/// tensors, which have been found to be those of the model or the adapter; their values have not been read.
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
  /// Of an adapter: where the model is that it belongs to; nil: this is a model.
  let base: String?
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
    case path, model, base, weights, parameters, vocabulary, tensors
    case endOfText = "end_of_text"
    case hasChatTemplate = "chat_template"
  }

  init(_ description: ModelDescription) throws {
    let source = try description.storedTensors()
    let stored = try description.storedParameters(in: source)
    _ = try WeightAssignment(
      of: stored.parameters.map(\.layout), from: source, names: stored.names)
    path = description.path
    model = description.summary
    base =
      description.foreignAdapter?.base.path
      ?? (description.holdsAdapter ? description.configuration?.recipe.model.from : nil)
    weights = source.path
    parameters = stored.parameters.reduce(0) { $0 + $1.shape.count }
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
    let belonging = base.map { "  belongs to         \($0)\n" } ?? ""
    return """
      \(path): \(base == nil ? "model" : "adapter"), its tensors complete
        model              \(model)
      \(belonging)\
        weights            \(weights)
        parameters         \(parameters)
        tokenizer          \(vocabulary.map { "\($0) tokens" } ?? "none")
        end of text        \(endOfText.isEmpty ? "none" : endOfText.joined(separator: ", "))
        chat template      \(hasChatTemplate ? "yes" : "none")
      \(rows.joined(separator: "\n"))
      """
  }
}
