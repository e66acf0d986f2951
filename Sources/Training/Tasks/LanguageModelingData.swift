import Communication
import Datasets
import Foundation
import Models
import Settings
import Tensors

/// The files of a language-modeling run, opened on every rank.
///
/// Rank zero's files decide. A host that has the same file at the same path maps its own; others
/// get a copy in shared memory: no shared filesystem is needed.
public final class LanguageModelingData {
  /// With their weights.
  public let train: [(file: TokenFile, weight: Double)]
  /// Empty where nothing is held out.
  public let validation: [TokenFile]
  /// Nil where the configuration names none.
  public let tokenizer: (any Tokenizer)?
  /// The token between documents that are kept apart; nil: they are joined.
  private let separator: Int32?
  private let tokenizerJSON: [UInt8]
  private let isRankZero: Bool

  /// Opens everything that the `data` section names, and checks that it belongs together.
  /// Collective.
  ///
  /// - Throws: `AgreedError` with a `TokenFileError`, `TokenizerError`, `VocabularyError` or
  ///   `MissingSeparatorError`.
  public init(_ configuration: RunConfiguration, communicator: any Communicator) throws {
    guard let data = configuration.data.tokens else {
      preconditionFailure("language modeling is configured with token files")
    }
    isRankZero = communicator.isRankZero
    train = try data.train.elements.map {
      (try SharedTokenFile.open($0.path, communicator: communicator), $0.weight)
    }
    validation = try (data.validation?.elements ?? []).map {
      try SharedTokenFile.open($0, communicator: communicator)
    }
    tokenizerJSON =
      try data.tokenizer.map { path in
        try communicator.fromRankZero { try TokenizerFile.contents(path) }
      } ?? []
    let (files, tokenizerJSON) = (train.map(\.file) + validation, tokenizerJSON)
    let tokenizer: (any Tokenizer)? = try communicator.agree {
      guard let path = data.tokenizer else {
        for file in files { try file.requireTokens(below: configuration.model.vocabulary ?? 1) }
        return nil
      }
      let tokenizer = try TokenizerFile.tokenizer(from: tokenizerJSON, path: path)
      for file in files { try file.requireTokenizer(tokenizer) }
      if let vocabulary = configuration.model.vocabulary {
        guard vocabulary >= tokenizer.vocabularyCount else {
          throw VocabularyError(model: vocabulary, tokenizer: tokenizer.vocabularyCount, path: path)
        }
      }
      return tokenizer
    }
    self.tokenizer = tokenizer
    separator = try communicator.agree {
      try data.documents.separator(of: tokenizer, path: data.tokenizer)
    }
  }

  /// The task of predicting this text with the configuration's model.
  ///
  /// - Throws: `TokenFileError.tooShort` where the text has no window of the model's context;
  ///   `WordVectorError`.
  public func task(for configuration: RunConfiguration) throws -> LanguageModelingTask {
    let vocabularyCount = tokenizer?.vocabularyCount ?? configuration.model.vocabulary ?? 0
    let context = configuration.model.context
    guard let model = configuration.model.languageModel(vocabularyCount: vocabularyCount) else {
      preconditionFailure("language modeling is configured with a language model")
    }
    if !configuration.wordVectors.trained { model.embeddingWeight.freeze() }
    let mixture = try TokenMixture(train, context: context, seed: UInt64(configuration.seed))
    let loader = LanguageModelingLoader(
      mixture, sequences: configuration.batch.sequences,
      microbatches: configuration.batch.microbatches, separator: separator)
    let texts = try validation.map {
      try EvaluationBatches(
        file: $0, sequences: configuration.batch.sequences, context: context, separator: separator)
    }
    let heldOut =
      texts.isEmpty
      ? nil
      : HeldOutText(
        model: model, texts: texts, byteCounts: tokenizer?.vocabulary.byteCounts)
    var files = [(name: "config.yaml", bytes: Array(configuration.yaml().utf8))]
    let description = try configuration.model.huggingFaceJSON(
      vocabularyCount: vocabularyCount, endOfText: tokenizer?.endOfText.map(Int.init))
    if let description { files.append(("config.json", description)) }
    if tokenizer != nil { files.append(("tokenizer.json", tokenizerJSON)) }
    return LanguageModelingTask(
      model: model, loader: loader, heldOut: heldOut, checkpointFiles: files,
      wordVectors: try wordVectors(configuration.wordVectors.path, of: model))
  }

  /// The vectors that the model's tokens begin with; nil where the configuration names none, and on
  /// all ranks but zero, which get the parameters from there.
  private func wordVectors(
    _ path: String?, of model: any LanguageModel
  ) throws(WordVectorError) -> WordVectors? {
    guard let path, let tokenizer, isRankZero else { return nil }
    return try WordVectors(
      path: path, vocabulary: tokenizer.vocabulary, width: model.embeddingWeight.shape[1])
  }

  /// One line for the console.
  var summary: String {
    let heldOutCount = validation.reduce(0) { $0 + $1.count }
    let heldOut = validation.isEmpty ? "" : ", \(heldOutCount) tokens held out"
    let vocabulary = tokenizer.map { ", vocabulary \($0.vocabularyCount)" } ?? ""
    let total = train.reduce(0) { $0 + $1.weight }
    let files = train.map { file, weight in
      train.count > 1
        ? String(format: "%@ %.3g %%", file.path, 100 * weight / total) : file.path
    }
    let count = train.reduce(0) { $0 + $1.file.count }
    return "\(files.joined(separator: " + ")), \(count) tokens\(heldOut)\(vocabulary)"
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
