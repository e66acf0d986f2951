import Checkpoints
import Datasets
import Foundation
import Models
import NeuralNetworks
import Settings
import Tensors

/// A trained language model with its tokenizer, read from a run, a checkpoint, or a directory that
/// Hugging Face's `transformers` saved.
public final class LoadedModel {
  public let model: any LanguageModel
  public let parameters: ParameterStore
  public let workspace: Workspace
  /// Nil where the checkpoint has none.
  public let tokenizer: (any Tokenizer)?
  /// The directory that was read.
  public let path: String
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?

  private let values: UnsafeMutableBufferPointer<Float>

  /// - Parameters:
  ///   - path: A run (its newest complete checkpoint is taken), a checkpoint, or a directory with
  ///     `config.json` and `model.safetensors`.
  ///   - workspace: Computes with the model.
  /// - Throws: `LoadingError`, `CheckpointError`, `TokenizerError`, `UnsupportedModelError`.
  public init(path: String, in workspace: Workspace) throws {
    let directory = try Self.modelDirectory(path)
    self.path = directory
    self.workspace = workspace
    let configurationPath = directory + "/config.json"
    guard let bytes = FileManager.default.contents(atPath: configurationPath) else {
      throw LoadingError.noModel(path: directory, missing: "config.json")
    }
    let configuration = try ModelConfiguration(
      huggingFaceJSON: Array(bytes), path: configurationPath)
    guard let vocabularyCount = configuration.vocabulary else {
      throw LoadingError.noModel(path: directory, missing: "the vocabulary's size")
    }
    let tokenizerPath = directory + "/tokenizer.json"
    tokenizer =
      FileManager.default.fileExists(atPath: tokenizerPath)
      ? try TokenizerFile.load(tokenizerPath) : nil
    if let count = tokenizer?.vocabularyCount, count > vocabularyCount {
      throw LoadingError.otherTokenizer(path: tokenizerPath, tokens: count, model: vocabularyCount)
    }
    step = try? Checkpoint(path: directory).step
    model = configuration.languageModel(vocabularyCount: vocabularyCount)
    parameters = ParameterStore(of: model)
    values = .allocate(capacity: parameters.flatCount)
    values.initialize(repeating: 0)
    guard let base = values.baseAddress else { preconditionFailure("a model has parameters") }
    parameters.bind(to: base, in: workspace)
    try parameters.read(
      from: SafetensorsReader(path: directory + "/model.safetensors"), into: base)
  }

  deinit { values.deallocate() }

  /// The directory with the tensors: of a run, that of its newest complete checkpoint.
  private static func modelDirectory(_ path: String) throws -> String {
    guard FileManager.default.fileExists(atPath: path) else {
      throw LoadingError.nothingThere(path: path)
    }
    let checkpoints = RunDirectory(path: path).checkpoints
    guard FileManager.default.fileExists(atPath: checkpoints.path) else { return path }
    guard let found = try checkpoints.newestComplete().found else {
      throw LoadingError.noCheckpoint(path: path)
    }
    return found.path
  }
}

/// Why no model could be read.
public enum LoadingError: UserInputError, Equatable {
  case nothingThere(path: String)
  case noCheckpoint(path: String)
  case noModel(path: String, missing: String)
  case noTokenizer(path: String)
  /// The tokenizer makes more tokens than the model has.
  case otherTokenizer(path: String, tokens: Int, model: Int)

  public var description: String {
    switch self {
    case .nothingThere(let path): "\(path): no such run or checkpoint"
    case .noCheckpoint(let path): "\(path): the run has no complete checkpoint"
    case .noModel(let path, let missing):
      "\(path): \(missing) is missing; expected a run, a checkpoint, or a directory with config.json and model.safetensors"
    case .noTokenizer(let path):
      "\(path): tokenizer.json is missing, so text can be neither read nor written"
    case .otherTokenizer(let path, let tokens, let model):
      "\(path): has \(tokens) tokens, the model beside it only \(model)"
    }
  }
}
