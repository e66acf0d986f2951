import Communication
import Datasets
import Models
import Settings
import Tensors

/// The files of a language-modeling run, opened on every rank.
///
/// Rank zero's files decide. A host that has the same file at the same path maps its own; others
/// get a copy in shared memory: no shared filesystem is needed.
public final class LanguageModelingData {
  public let train: TokenFile
  public let validation: TokenFile?
  /// Nil where the configuration names none.
  public let tokenizer: (any Tokenizer)?
  private let tokenizerJSON: [UInt8]

  /// Opens everything that the `data` section names, and checks that it belongs together.
  /// Collective.
  ///
  /// - Throws: `AgreedError` with a `TokenFileError` or `TokenizerError`.
  public init(_ configuration: RunConfiguration, communicator: any Communicator) throws {
    guard let data = configuration.data.tokens else {
      preconditionFailure("language modeling is configured with token files")
    }
    train = try SharedTokenFile.open(data.train, communicator: communicator)
    validation = try data.validation.map {
      try SharedTokenFile.open($0, communicator: communicator)
    }
    tokenizerJSON =
      try data.tokenizer.map { path in
        try communicator.fromRankZero { try TokenizerFile.contents(path) }
      } ?? []
    let (train, validation, tokenizerJSON) = (train, validation, tokenizerJSON)
    tokenizer = try communicator.agree {
      let files = [train] + (validation.map { [$0] } ?? [])
      guard let path = data.tokenizer else {
        for file in files { try file.requireTokens(below: configuration.model.vocabulary ?? 1) }
        return nil
      }
      let tokenizer = try TokenizerFile.tokenizer(from: tokenizerJSON, path: path)
      for file in files { try file.requireTokenizer(tokenizer) }
      try configuration.model.requireVocabulary(of: tokenizer, path: path)
      return tokenizer
    }
  }

  /// The task of predicting this text with the configuration's model.
  ///
  /// - Throws: `TokenFileError.tooShort` where the text has no window of the model's context.
  public func task(for configuration: RunConfiguration) throws -> LanguageModelingTask {
    let vocabularyCount = tokenizer?.vocabularyCount ?? configuration.model.vocabulary ?? 0
    let context = configuration.model.context
    guard let model = configuration.model.languageModel(vocabularyCount: vocabularyCount) else {
      preconditionFailure("language modeling is configured with a language model")
    }
    let loader = try LanguageModelingLoader(
      file: train, sequences: configuration.batch.sequences, context: context,
      microbatches: configuration.batch.microbatches, seed: UInt64(configuration.seed))
    let heldOut = try validation.map {
      HeldOutText(
        model: model,
        batches: try EvaluationBatches(
          file: $0, sequences: configuration.batch.sequences, context: context),
        byteCounts: tokenizer?.vocabulary.byteCounts)
    }
    var files: [(name: String, bytes: [UInt8])] = []
    let description = try configuration.model.huggingFaceJSON(
      vocabularyCount: vocabularyCount, endOfText: tokenizer?.endOfText.map(Int.init))
    if let description { files.append(("config.json", description)) }
    if tokenizer != nil { files.append(("tokenizer.json", tokenizerJSON)) }
    return LanguageModelingTask(
      model: model, loader: loader, heldOut: heldOut, checkpointFiles: files)
  }

  /// One line for the console.
  var summary: String {
    let heldOut = validation.map { ", \($0.count) tokens held out" } ?? ""
    let vocabulary = tokenizer.map { ", vocabulary \($0.vocabularyCount)" } ?? ""
    return "\(train.path), \(train.count) tokens\(heldOut)\(vocabulary)"
  }
}

/// A model whose vocabulary has fewer entries than the tokenizer.
public struct VocabularyError: UserInputError, Equatable {
  public let model: Int
  public let tokenizer: Int
  /// The tokenizer's file.
  public let path: String

  public var description: String {
    "model.vocabulary: \(model) is less than the \(tokenizer) tokens of \(path); leave it out to take the tokenizer's"
  }
}
