import LockstepChatTemplates
import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// What a language model learns to answer from: conversations, opened on every rank as token files are.
public final class ConversationData {
  /// The token files and their tokenizer.
  public let text: TextFiles
  public let train: ConversationFile
  public let validation: ConversationFile?
  /// T, tokens in a sequence.
  public let context: Int
  private let learned: LearnedTokens

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of conversations.
  ///   - context: T, at most the model's.
  ///   - vocabularyCount: V of the model, at least the tokenizer's; nil: that. Default: nil.
  /// - Throws: `AgreedError` with a `ConfigurationError`, `ConversationError`, `TokenFileError`, `TokenizerError`,
  ///   `VocabularyError` or `ChatDescriptionError`.
  public init(
    _ data: ConversationDataConfiguration, context: Int, vocabularyCount: Int? = nil,
    communicator: any Communicator
  ) throws {
    try communicator.agree { try data.validate() }
    self.context = context
    learned = data.lossOn
    let text = try TextFiles(
      data.tokens, adding: [], vocabularyCount: vocabularyCount, communicator: communicator)
    func marks(_ path: String) throws -> TokenFile {
      try SharedTokenFile.open(ConversationFile.maskPath(of: path), communicator: communicator)
    }
    let trainMarks = try marks(data.train)
    let heldOutMarks = try data.validation.map(marks)
    (train, validation) = try communicator.agree {
      let heldOut = try zip(text.validation, [heldOutMarks].compactMap(\.self)).map {
        try ConversationFile(tokens: $0, marks: $1)
      }
      return (try ConversationFile(tokens: text.train[0].file, marks: trainMarks), heldOut.first)
    }
    self.text = text
  }

  /// V, the tokens that the model must know.
  public var vocabularyCount: Int { text.vocabularyCount }

  /// The task of answering as these conversations do.
  ///
  /// - Parameters:
  ///   - model: Knows at least V tokens, and sequences of T.
  ///   - plan: `batch` and `seed` are used.
  ///   - labelSmoothing: As of `LanguageModelingData.task`, like `files`.
  /// - Throws: `ConfigurationError` where the plan is not valid; `ConversationError.longerThanContext`.
  public func task(
    of model: any LanguageModel, plan: Plan, labelSmoothing: Double = 0,
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> LanguageModelingTask {
    try plan.validate()
    let sequences = plan.batch.sequences
    let loader = try ConversationLoader(
      train, sequences: sequences, context: context, learned: learned,
      microbatches: plan.batch.microbatches, seed: UInt64(plan.seed))
    let heldOut = try validation.map {
      HeldOutText(
        model: model,
        texts: [
          try ConversationLoader($0, sequences: sequences, context: context, learned: learned)
        ],
        byteCounts: text.tokenizer?.byteCounts)
    }
    return LanguageModelingTask(
      model: model, loader: loader, labelSmoothing: labelSmoothing, heldOut: heldOut,
      checkpointFiles: files + text.checkpointFiles)
  }

  /// What shows how the model answers; nil where that is not asked for.
  func samples(of model: any LanguageModel, _ plan: Plan) -> (any SampleMaker)? {
    guard plan.samples.every > 0, let validation, let tokenizer = text.tokenizer else { return nil }
    return AnsweredSamples(
      model: model, tokenizer: tokenizer, ends: text.ends, conversations: validation,
      configuration: plan.samples, seed: UInt64(plan.seed))
  }

  /// One line for the console.
  var summary: String {
    let heldOut = validation.map { ", \($0.count) held out" } ?? ""
    return "\(train.tokens.path), \(train.count) conversations, \(train.tokens.count) tokens, "
      + "\(train.learnedCount) of them answers\(heldOut), vocabulary \(vocabularyCount)"
  }

  /// One line about a step's batch.
  func batchSummary(_ plan: Plan) throws -> String {
    let loader = try ConversationLoader(train, sequences: 1, context: context, learned: learned)
    let share = Int((100 * loader.filledShare).rounded(.down))
    let step = plan.batch.sequences * plan.batch.microbatches
    return "\(step) of \(loader.rowCount) sequences of up to \(context) tokens, \(share) % filled"
  }
}
