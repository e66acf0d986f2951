import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// What a language model learns from: texts as token files, opened on every rank.
public final class LanguageModelingData {
  public let text: TextFiles
  /// T, tokens in a sequence.
  public let context: Int
  private let augmentation: TokenAugmentation

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of token files.
  ///   - context: T, at most the model's.
  ///   - vocabularyCount: V of the model, at least the tokenizer's; nil: that. Default: nil.
  /// - Throws: `AgreedError` with a `ConfigurationError`, `TokenFileError`, `TokenizerError`, `VocabularyError` or
  ///   `MissingSeparatorError`.
  public init(
    _ data: TokenDataConfiguration, context: Int, vocabularyCount: Int? = nil,
    communicator: any Communicator
  ) throws {
    try communicator.agree { try data.validate() }
    self.context = context
    augmentation = data.augmentation
    text = try TextFiles(
      data, adding: data.augmentation.sentinelNames(positions: context),
      vocabularyCount: vocabularyCount, communicator: communicator)
  }

  /// V, the tokens that the model must know.
  public var vocabularyCount: Int { text.vocabularyCount }

  /// The task of predicting these texts.
  ///
  /// - Parameters:
  ///   - model: Knows at least V tokens, and sequences of T.
  ///   - plan: `batch` and `seed` are used.
  ///   - labelSmoothing: The share of the target that all tokens have alike, in training. Default: 0.
  ///   - wordVectors: What the token embedding begins with. Default: what the model says.
  ///   - files: Of each checkpoint, beside `tokenizer.json`. Default: none.
  /// - Throws: `ConfigurationError` where the plan is not valid; `TokenFileError.tooShort` where a text has no
  ///   window of T tokens; `WordVectorError`.
  public func task(
    of model: any LanguageModel, plan: Plan, labelSmoothing: Double = 0,
    wordVectors: WordVectorConfiguration = WordVectorConfiguration(),
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> LanguageModelingTask {
    try plan.validate()
    precondition(
      context <= model.context && vocabularyCount <= model.headWeight.shape[0],
      "a model of \(model.headWeight.shape[0]) tokens in sequences of \(model.context) can not learn "
        + "from \(vocabularyCount) in sequences of \(context)")
    precondition(
      wordVectors.path == nil || text.tokenizer != nil,
      "word vectors belong to words, and without a tokenizer no token is known to be one")
    if !wordVectors.trained { model.embeddingWeight.freeze() }
    let texts = try text.validation.map {
      try EvaluationBatches(
        file: $0, sequences: plan.batch.sequences, context: context, separator: text.separator)
    }
    let heldOut =
      texts.isEmpty
      ? nil
      : HeldOutText(
        model: model, texts: texts, byteCounts: text.tokenizer?.byteCounts)
    return LanguageModelingTask(
      model: model, loader: try text.loader(context: context, plan: plan),
      augmenter: augmenter(seed: plan.seed), labelSmoothing: labelSmoothing, heldOut: heldOut,
      checkpointFiles: files + text.checkpointFiles,
      wordVectors: try vectors(wordVectors.path, of: model))
  }

  /// The vectors that the model's tokens begin with; nil where there is no file of them, and on all
  /// ranks but zero, which get the parameters from there.
  private func vectors(
    _ path: String?, of model: any LanguageModel
  ) throws(WordVectorError) -> WordVectors? {
    guard let path, let tokenizer = text.tokenizer, text.isRankZero else { return nil }
    return try WordVectors(
      path: path, vocabulary: tokenizer.vocabulary, width: model.embeddingWeight.shape[1])
  }

  /// What changes the training sequences; nil: nothing.
  func augmenter(seed: Int) -> SequenceAugmenter? {
    guard augmentation.changesSequences else { return nil }
    return SequenceAugmenter(
      augmentation, positions: context,
      replacements: text.tokenizer?.vocabulary.textTokens ?? Array(0..<Int32(vocabularyCount)),
      sentinels: text.addedTokens, seed: UInt64(seed))
  }
}
