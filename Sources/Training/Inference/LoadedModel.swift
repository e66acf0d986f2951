import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// A trained language model with its tokenizer, read from a run, a checkpoint, or a directory that
/// Hugging Face's `transformers` saved.
public typealias LoadedModel = LoadedTextModel<any LanguageModel>

/// A trained masked language model, read likewise.
public typealias LoadedMaskedModel = LoadedTextModel<any MaskedLanguageModel>

/// A trained model of text with its tokenizer.
public final class LoadedTextModel<Model> {
  public let model: Model
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
  ///   - path: As of the public initialisers.
  ///   - kind: Of model that is wanted.
  ///   - build: Makes the model, of a vocabulary of so many tokens; nil where it is of another kind.
  fileprivate init(
    path: String, kind: ModelKind, in workspace: Workspace,
    build: (ModelConfiguration, Int) -> (Model, any Module)?
  ) throws {
    let directory = try ModelDirectory.find(path)
    self.path = directory
    self.workspace = workspace
    let configuration = try ModelDirectory.configuration(directory, for: kind)
    guard configuration.kind == kind else {
      throw LoadingError.otherModel(path: directory, found: configuration.kind, expected: kind)
    }
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
    guard let (model, module) = build(configuration, vocabularyCount) else {
      preconditionFailure("a configuration of \(kind) builds a model of that kind")
    }
    self.model = model
    summary = configuration.summary
    parameters = try LoadedParameters(of: module, from: directory, in: workspace)
  }
}

extension LoadedTextModel<any LanguageModel> {
  /// - Parameters:
  ///   - path: A run (its newest complete checkpoint is taken), a checkpoint, or a directory with
  ///     `config.json` and `model.safetensors`.
  ///   - workspace: Computes with the model.
  /// - Throws: `LoadingError`, `CheckpointError`, `TokenizerError`, `UnsupportedModelError`.
  public convenience init(path: String, in workspace: Workspace) throws {
    try self.init(path: path, kind: .language, in: workspace) { configuration, count in
      configuration.languageModel(vocabularyCount: count).map { ($0, $0) }
    }
  }
}

extension LoadedTextModel<any MaskedLanguageModel> {
  /// Whether such a model is at a path.
  ///
  /// - Parameter path: As of `LoadedModel`.
  public static func isAt(_ path: String) throws -> Bool {
    try ModelDirectory.configuration(ModelDirectory.find(path)).kind == .maskedLanguage
  }

  /// - Parameters: As of `LoadedModel`.
  public convenience init(path: String, in workspace: Workspace) throws {
    try self.init(path: path, kind: .maskedLanguage, in: workspace) { configuration, count in
      configuration.maskedLanguageModel(vocabularyCount: count).map { ($0, $0) }
    }
  }
}

extension ModelKind {
  /// The command that uses such a model.
  fileprivate var command: String {
    switch self {
    case .language, .maskedLanguage: "generate"
    case .sequenceToSequence: "translate"
    case .prediction: "evaluate"
    }
  }
}

/// Why no model could be read.
public enum LoadingError: UserInputError, Equatable {
  case nothingThere(path: String)
  case noCheckpoint(path: String)
  case noModel(path: String, missing: String)
  case noTokenizer(path: String)
  /// A model of another kind than is wanted.
  case otherModel(path: String, found: ModelKind, expected: ModelKind)
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
    case .otherModel(let path, let found, let expected):
      "\(path): holds \(found), not \(expected); lockstep \(found.command) takes it"
    case .otherTokenizer(let path, let tokens, let model):
      "\(path): has \(tokens) tokens, the model beside it only \(model)"
    }
  }
}
