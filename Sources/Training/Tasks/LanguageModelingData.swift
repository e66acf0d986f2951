import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// The files of a language-modeling run, opened on every rank.
///
/// Rank zero's files decide. A host that has the same file at the same path maps its own; others
/// get a copy in shared memory: no shared filesystem is needed.
public final class LanguageModelingData {
  /// With their weights.
  public let train: [(file: TokenFile, weight: Double)]
  /// Empty where nothing is held out.
  public let validation: [TokenFile]
  /// With the special tokens that the task adds; nil where the configuration names none.
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
    let fileJSON =
      try data.tokenizer.map { path in
        try communicator.fromRankZero { try TokenizerFile.contents(path) }
      } ?? []
    let files = train.map(\.file) + validation
    let (tokenizer, tokenizerJSON): ((any Tokenizer)?, [UInt8]) = try communicator.agree {
      let added = configuration.addedTokens
      guard let path = data.tokenizer else {
        // Without a tokenizer the last rows of the vocabulary are the added tokens'.
        let textCount = (configuration.model.vocabulary ?? 1) - added.count
        for file in files { try file.requireTokens(below: textCount) }
        return (nil, [])
      }
      let original = try TokenizerFile.tokenizer(from: fileJSON, path: path)
      let tokenizer: any Tokenizer = original.adding(special: added)
      for file in files { try file.requireTokenizer(tokenizer) }
      try configuration.model.requireVocabulary(of: tokenizer, path: path, added: added)
      let isExtended = tokenizer.vocabularyCount > original.vocabularyCount
      return (tokenizer, isExtended ? tokenizer.tokenizerJSON() : fileJSON)
    }
    self.tokenizer = tokenizer
    self.tokenizerJSON = tokenizerJSON
    separator = try communicator.agree {
      try data.documents.separator(of: tokenizer, path: data.tokenizer)
    }
  }

  /// V, where the model names none.
  private func vocabularyCount(_ configuration: RunConfiguration) -> Int {
    tokenizer?.vocabularyCount ?? configuration.model.vocabulary ?? 0
  }

  /// What the training batches of all tasks on text are cut from.
  private func loader(
    _ configuration: RunConfiguration
  ) throws(TokenFileError) -> LanguageModelingLoader {
    LanguageModelingLoader(
      try TokenMixture(
        train, context: configuration.model.context, seed: UInt64(configuration.seed)),
      sequences: configuration.batch.sequences, microbatches: configuration.batch.microbatches,
      separator: separator)
  }

  /// `config.yaml`, `config.json` and `tokenizer.json`.
  private func checkpointFiles(
    _ configuration: RunConfiguration
  ) throws -> [(name: String, bytes: [UInt8])] {
    let description = try configuration.model.huggingFaceJSON(
      vocabularyCount: vocabularyCount(configuration),
      endOfText: tokenizer?.endOfText.map(Int.init))
    return [("config.yaml", Array(configuration.yaml().utf8))]
      + (description.map { [("config.json", $0)] } ?? [])
      + (tokenizer == nil ? [] : [("tokenizer.json", tokenizerJSON)])
  }

  /// The task of predicting this text with the configuration's model.
  ///
  /// - Throws: `TokenFileError.tooShort` where the text has no window of the model's context;
  ///   `WordVectorError`.
  public func task(for configuration: RunConfiguration) throws -> LanguageModelingTask {
    let (count, context) = (vocabularyCount(configuration), configuration.model.context)
    guard let model = configuration.model.languageModel(vocabularyCount: count) else {
      preconditionFailure("language modeling is configured with a language model")
    }
    if !configuration.wordVectors.trained { model.embeddingWeight.freeze() }
    let texts = try validation.map {
      try EvaluationBatches(
        file: $0, sequences: configuration.batch.sequences, context: context, separator: separator)
    }
    let heldOut =
      texts.isEmpty
      ? nil
      : HeldOutText(
        model: model, texts: texts, byteCounts: tokenizer?.vocabulary.byteCounts)
    return LanguageModelingTask(
      model: model, loader: try loader(configuration), augmenter: augmenter(configuration),
      labelSmoothing: configuration.loss.kind.labelSmoothing, heldOut: heldOut,
      checkpointFiles: try checkpointFiles(configuration),
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

  /// What changes the training sequences; nil: nothing.
  private func augmenter(_ configuration: RunConfiguration) -> SequenceAugmenter? {
    guard let augmentation = configuration.data.tokens?.augmentation, augmentation.changesSequences
    else { return nil }
    return SequenceAugmenter(
      augmentation, positions: configuration.model.context,
      replacements: tokenizer?.vocabulary.textTokens
        ?? Array(0..<Int32(vocabularyCount(configuration))),
      sentinels: configuration.addedTokens.compactMap { tokenizer?.vocabulary.id(ofSpecial: $0) },
      seed: UInt64(configuration.seed))
  }

  /// The task of predicting this text's hidden tokens with the configuration's model.
  ///
  /// - Throws: `TokenFileError.tooShort` where the text has no window of the model's context.
  public func maskedTask(
    for configuration: RunConfiguration
  ) throws -> MaskedLanguageModelingTask {
    let count = vocabularyCount(configuration)
    guard let model = configuration.model.maskedLanguageModel(vocabularyCount: count) else {
      preconditionFailure("masked language modeling is configured with a model for it")
    }
    let vocabulary = tokenizer.flatMap(MaskingVocabulary.init) ?? MaskingVocabulary(count: count)
    let texts = try validation.map {
      try MaskedEvaluationBatches(
        file: $0, sequences: configuration.batch.sequences, context: configuration.model.context,
        masking: configuration.masking, vocabulary: vocabulary)
    }
    let heldOut = texts.isEmpty ? nil : HeldOutMaskedText(model: model, texts: texts)
    let probability = configuration.data.tokens?.augmentation.tokenDropout ?? 0
    let (seed, replacements) = (UInt64(configuration.seed), vocabulary.textTokens)
    return MaskedLanguageModelingTask(
      model: model, loader: try loader(configuration),
      masking: TokenMasking(configuration.masking, vocabulary: vocabulary, seed: seed),
      dropout: probability > 0
        ? TokenDropout(probability: probability, replacements: replacements, seed: seed) : nil,
      labelSmoothing: configuration.loss.kind.labelSmoothing, heldOut: heldOut,
      checkpointFiles: try checkpointFiles(configuration))
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

extension ModelConfiguration {
  /// - Parameters:
  ///   - tokenizer: As the task uses it.
  ///   - path: The tokenizer's file.
  ///   - added: The special tokens that the task adds to the file's.
  /// - Throws: `VocabularyError` where the model has fewer tokens than the tokenizer.
  func requireVocabulary(
    of tokenizer: any Tokenizer, path: String, added: [String] = []
  ) throws(VocabularyError) {
    guard let vocabulary, vocabulary < tokenizer.vocabularyCount else { return }
    throw VocabularyError(
      model: vocabulary, tokenizer: tokenizer.vocabularyCount - added.count, path: path,
      added: added)
  }
}

/// A model whose vocabulary has fewer entries than the tokenizer.
public struct VocabularyError: UserInputError, Equatable {
  public let model: Int
  public let tokenizer: Int
  /// The tokenizer's file.
  public let path: String
  /// The special tokens that the task adds.
  public let added: [String]

  public var description: String {
    let further =
      added.isEmpty ? "" : " and the \(added.count) that the task adds (\(added[0]))"
    return "model.vocabulary: \(model) is less than the \(tokenizer) tokens of \(path)\(further); "
      + "leave it out to take the tokenizer's"
  }
}
