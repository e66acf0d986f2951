import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// What a masked language model learns from: texts as token files, opened on every rank, tokens of
/// which are hidden.
public final class MaskedLanguageModelingData {
  /// The tokenizer has a mask.
  public let text: TextFiles
  /// T, tokens in a sequence.
  public let context: Int
  private let masking: MaskingConfiguration
  private let dropout: Double

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of token files.
  ///   - masking: What is hidden. Default: as BERT does it.
  ///   - context: T, at most the model's.
  ///   - vocabularyCount: V of the model, at least the tokenizer's and the mask; nil: that. Default:
  ///     nil.
  /// - Throws: As of `LanguageModelingData`.
  public init(
    _ data: TokenDataConfiguration, masking: MaskingConfiguration = MaskingConfiguration(),
    context: Int, vocabularyCount: Int? = nil, communicator: any Communicator
  ) throws {
    try communicator.agree {
      try data.validate()
      try masking.validate()
    }
    self.context = context
    self.masking = masking
    dropout = data.augmentation.tokenDropout
    text = try TextFiles(
      data, adding: [Vocabulary.maskName], vocabularyCount: vocabularyCount,
      communicator: communicator)
  }

  /// V, the tokens that the model must know, the mask among them.
  public var vocabularyCount: Int { text.vocabularyCount }

  /// The task of predicting these texts' hidden tokens.
  ///
  /// - Parameters:
  ///   - model: Knows at least V tokens, and sequences of T.
  ///   - plan: `batch` and `seed` are used.
  ///   - labelSmoothing: The share of the target that all tokens have alike, in training. Default: 0.
  ///   - files: Of each checkpoint, beside `tokenizer.json`. Default: none.
  /// - Throws: `ConfigurationError` where the plan is not valid; `TokenFileError.tooShort` where a text has no
  ///   window of T tokens.
  public func task(
    of model: any MaskedLanguageModel, plan: Plan, labelSmoothing: Double = 0,
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> MaskedLanguageModelingTask {
    try plan.validate()
    precondition(
      context <= model.context && vocabularyCount <= model.headWeight.shape[0],
      "a model of \(model.headWeight.shape[0]) tokens in sequences of \(model.context) can not learn "
        + "from \(vocabularyCount) in sequences of \(context)")
    let vocabulary =
      text.tokenizer.flatMap(MaskingVocabulary.init) ?? MaskingVocabulary(count: vocabularyCount)
    let texts = try text.validation.map {
      try MaskedEvaluationBatches(
        file: $0, sequences: plan.batch.sequences, context: context, masking: masking,
        vocabulary: vocabulary)
    }
    let seed = UInt64(plan.seed)
    return MaskedLanguageModelingTask(
      model: model, loader: try text.loader(context: context, plan: plan),
      masking: TokenMasking(masking, vocabulary: vocabulary, seed: seed),
      dropout: dropout > 0
        ? TokenDropout(probability: dropout, replacements: vocabulary.textTokens, seed: seed) : nil,
      labelSmoothing: labelSmoothing,
      heldOut: texts.isEmpty ? nil : HeldOutMaskedText(model: model, texts: texts),
      checkpointFiles: files + text.checkpointFiles)
  }
}
