import Communication
import Datasets
import Foundation
import Settings
import Tensors

/// Evaluates a trained model on a token file.
public final class ModelEvaluation {
  private let loaded: LoadedModel
  private let heldOut: HeldOutText
  private let dataPath: String

  /// - Parameters:
  ///   - source: A run, a checkpoint, or a directory with `config.json` and `model.safetensors`.
  ///   - data: A token file; nil takes the validation file of the run.
  ///   - sequences: B, sequences computed at a time.
  ///   - stride: Tokens from one window to the next, in 1 ... T; nil: T.
  ///   - workspace: Computes.
  /// - Throws: What `LoadedModel` and `TokenFile` throw; `EvaluationError`.
  public init(
    source: String, data: String?, sequences: Int, stride: Int? = nil, workspace: Workspace
  ) throws {
    loaded = try LoadedModel(path: source, in: workspace)
    if let stride, !(1...loaded.model.context).contains(stride) {
      throw EvaluationError.wrongStride(stride, context: loaded.model.context)
    }
    let stored = try? RunDirectory(path: source).configuration()
    guard let path = data ?? stored?.data.validation else {
      throw EvaluationError.noData(source: source)
    }
    dataPath = path
    let file = try TokenFile(path: path)
    if let tokenizer = loaded.tokenizer {
      try file.requireTokenizer(tokenizer)
    } else {
      try file.requireTokens(below: loaded.model.headWeight.shape[0])
    }
    heldOut = HeldOutText(
      model: loaded.model,
      batches: try EvaluationBatches(
        file: file, sequences: sequences, context: loaded.model.context, stride: stride),
      byteCounts: loaded.tokenizer?.vocabulary.byteCounts)
  }

  /// Measures the loss on the whole file. Collective.
  public func run(_ communicator: any Communicator) throws -> Report {
    let start = ContinuousClock.now
    let result = try Evaluator(communicator: communicator, workspace: loaded.workspace)
      .run(count: heldOut.count) { heldOut.loss(batch: $0) }
    return Report(
      checkpoint: loaded.path, step: loaded.step, data: dataPath, loss: result.loss,
      perplexity: result.perplexity, bitsPerByte: result.bitsPerByte, tokens: result.targetCount,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// What an evaluation found.
  public struct Report: Encodable, Sendable {
    public let checkpoint: String
    public let step: Int?
    public let data: String
    /// Nats per token.
    public let loss: Double
    public let perplexity: Double
    public let bitsPerByte: Double?
    public let tokens: Int
    public let seconds: Double

    /// One JSON object.
    public func json() throws -> String {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// For people.
    public func text() -> String {
      let bits = bitsPerByte.map { String(format: "  %.4f bits per byte", $0) } ?? ""
      return String(
        format: "%@ on %@: loss %.4f  perplexity %.2f%@  (%d tokens, %.1f s)", checkpoint, data,
        loss, perplexity, bits, tokens, seconds)
    }
  }
}

/// Why nothing can be evaluated.
public enum EvaluationError: UserInputError, Equatable {
  case noData(source: String)
  case wrongStride(Int, context: Int)

  public var description: String {
    switch self {
    case .noData(let source):
      "\(source) names no validation file: give a token file with --data"
    case .wrongStride(let stride, let context):
      "--stride \(stride): expected 1 to \(context), the model's context"
    }
  }
}
