import Checkpoints
import Datasets
import Foundation
import Models
import Settings
import Tensors

/// A trained language model with its tokenizer, read from a run, a checkpoint, or a directory that
/// Hugging Face's `transformers` saved.
public final class LoadedModel {
  public let model: any LanguageModel
  public let workspace: Workspace
  /// Nil where the checkpoint has none.
  public let tokenizer: (any Tokenizer)?
  /// The directory that was read.
  public let path: String
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?
  /// One line about the architecture, for people.
  public let summary: String

  private let parameters: LoadedParameters

  /// - Parameters:
  ///   - path: A run (its newest complete checkpoint is taken), a checkpoint, or a directory with
  ///     `config.json` and `model.safetensors`.
  ///   - workspace: Computes with the model.
  /// - Throws: `LoadingError`, `CheckpointError`, `TokenizerError`, `UnsupportedModelError`.
  public init(path: String, in workspace: Workspace) throws {
    let directory = try ModelDirectory.find(path)
    guard !ModelDirectory.holdsPredictor(directory) else {
      throw LoadingError.noLanguageModel(path: directory)
    }
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
    guard let model = configuration.languageModel(vocabularyCount: vocabularyCount) else {
      throw LoadingError.noLanguageModel(path: directory)
    }
    self.model = model
    summary = configuration.summary
    parameters = try LoadedParameters(of: model, from: directory, in: workspace)
  }
}

/// Why no model could be read.
public enum LoadingError: UserInputError, Equatable {
  case nothingThere(path: String)
  case noCheckpoint(path: String)
  case noModel(path: String, missing: String)
  case noTokenizer(path: String)
  /// A classification's or a regression's model.
  case noLanguageModel(path: String)
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
    case .noLanguageModel(let path):
      "\(path): holds a model for samples, not for text; lockstep evaluate measures it"
    case .otherTokenizer(let path, let tokens, let model):
      "\(path): has \(tokens) tokens, the model beside it only \(model)"
    }
  }
}
