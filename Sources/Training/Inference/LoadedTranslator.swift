import LockstepCheckpoints
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// A trained translation model with its tokenizer, read from a run or a checkpoint.
public final class LoadedTranslator {
  public let model: any SequenceToSequenceModel
  public let workspace: Workspace
  public let tokenizer: any Tokenizer
  /// The token that ends a text, and says "begin" to the decoder.
  public let endOfText: Int32
  /// The configuration of the run.
  public let configuration: RunConfiguration
  /// The directory that was read.
  public let path: String
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?

  private let parameters: LoadedParameters

  /// - Parameters:
  ///   - path: A run (its newest complete checkpoint is taken), or a checkpoint.
  ///   - workspace: Computes with the model.
  /// - Throws: `LoadingError`, `CheckpointError`, `ConfigurationError`, `TokenizerError`.
  public init(path: String, in workspace: Workspace) throws {
    let directory = try ModelDirectory.find(path)
    guard try ModelDirectory.task(of: directory) == .translation else {
      let found = try ModelDirectory.configuration(directory, for: .sequenceToSequence).kind
      throw LoadingError.otherModel(path: directory, found: found, expected: .sequenceToSequence)
    }
    self.path = directory
    self.workspace = workspace
    configuration = try RunConfiguration.load(path: directory + "/config.yaml")
    let tokenizerPath = directory + "/tokenizer.json"
    tokenizer = try TokenizerFile.load(tokenizerPath)
    guard let endOfText = tokenizer.endOfText else {
      throw PairError.noEndOfText(path: tokenizerPath)
    }
    self.endOfText = endOfText
    try configuration.model.requireVocabulary(of: tokenizer, path: tokenizerPath)
    guard
      let model = configuration.model.sequenceToSequenceModel(
        vocabularyCount: tokenizer.vocabularyCount)
    else { preconditionFailure("translation is configured with a model of pairs") }
    self.model = model
    parameters = try LoadedParameters(of: model, from: directory, in: workspace)
    step = try? Checkpoint(path: directory).step
  }

  /// Whether a run or checkpoint holds a translation model.
  ///
  /// - Throws: `LoadingError` where there is neither.
  public static func isAt(_ path: String) throws -> Bool {
    try ModelDirectory.task(of: ModelDirectory.find(path)) == .translation
  }
}
