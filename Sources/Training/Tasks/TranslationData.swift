import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings

/// The files of a translation run, opened on every rank as those of a language model are.
public final class TranslationData {
  public let train: PairFile
  public let validation: PairFile?
  public let tokenizer: any Tokenizer
  /// V, the tokens that the model must know.
  public let vocabularyCount: Int
  private let tokenizerJSON: [UInt8]

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of pairs.
  ///   - vocabularyCount: V of the model, at least the tokenizer's; nil: that. Default: nil.
  /// - Throws: `AgreedError` with a `ConfigurationError`, `TokenFileError`, `TokenizerError`, `VocabularyError` or
  ///   `PairError`.
  public init(
    _ data: PairDataConfiguration, vocabularyCount: Int? = nil, communicator: any Communicator
  ) throws {
    try communicator.agree { try data.validate() }
    func open(_ path: String) throws -> TokenFile {
      try SharedTokenFile.open(path, communicator: communicator)
    }
    let trainFiles = (try open(data.trainSource), try open(data.trainTarget))
    var heldOutFiles: (TokenFile, TokenFile)?
    if let source = data.validationSource, let target = data.validationTarget {
      heldOutFiles = (try open(source), try open(target))
    }
    tokenizerJSON = try communicator.fromRankZero {
      let contents = try TokenizerFile.contents(data.tokenizer)
      try TextConventions.requireAgreement(besideTokenizerAt: data.tokenizer)
      return contents
    }
    let (tokenizerJSON, validationFiles) = (tokenizerJSON, heldOutFiles)
    (tokenizer, train, validation) = try communicator.agree {
      let tokenizer = try TokenizerFile.tokenizer(from: tokenizerJSON, path: data.tokenizer)
      try tokenizer.requireRoom(in: vocabularyCount, path: data.tokenizer)
      func pairs(_ files: (TokenFile, TokenFile)) throws -> PairFile {
        try PairFile(source: files.0, target: files.1, tokenizer: tokenizer, path: data.tokenizer)
      }
      return (tokenizer, try pairs(trainFiles), try validationFiles.map(pairs))
    }
    self.vocabularyCount = vocabularyCount ?? tokenizer.vocabularyCount
  }

  /// The task of translating these texts.
  ///
  /// - Parameters:
  ///   - model: Knows at least V tokens. Pairs that are longer than its context are left out.
  ///   - plan: `batch`, `seed` and `evaluate` are used.
  ///   - labelSmoothing: The share of the target that all tokens have alike, in training. Default: 0.
  ///   - files: Of each checkpoint, beside `tokenizer.json`. Default: none.
  /// - Throws: `ConfigurationError` where the plan is not valid; `PairError.tooFewPairs`.
  public func task(
    of model: any SequenceToSequenceModel, plan: Plan, labelSmoothing: Double = 0,
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> TranslationTask {
    try plan.validate()
    precondition(
      vocabularyCount <= model.headWeight.shape[0],
      "a model of \(model.headWeight.shape[0]) tokens can not learn from \(vocabularyCount)")
    let (context, sequences) = (model.context, plan.batch.sequences)
    let loader = try PairLoader(
      train, sequences: sequences, context: context, microbatches: plan.batch.microbatches,
      seed: UInt64(plan.seed))
    let heldOut = try validation.map {
      try PairLoader($0, sequences: sequences, context: context, requiresFullStep: false)
    }
    return TranslationTask(
      model: model, labelSmoothing: labelSmoothing, loader: loader, heldOut: heldOut,
      scoring: plan.evaluate.bleu
        ? TranslationScoring(.beamSearch(BeamSearch(beams: 1)), tokenizer: tokenizer) : nil,
      checkpointFiles: files + [("tokenizer.json", tokenizerJSON)])
  }

  /// One line for the console.
  var summary: String {
    let heldOut = validation.map { ", \($0.count) held out" } ?? ""
    return "\(train.source.path), \(train.count) pairs\(heldOut), "
      + "vocabulary \(tokenizer.vocabularyCount)"
  }
}

extension PairFile {
  /// Pairs that a tokenizer made.
  ///
  /// - Parameter path: The tokenizer's, for errors.
  /// - Throws: `TokenFileError` where another tokenizer made them; `PairError`.
  init(
    source: TokenFile, target: TokenFile, tokenizer: any Tokenizer, path: String
  ) throws {
    for file in [source, target] { try file.requireTokenizer(tokenizer) }
    guard let endOfText = tokenizer.endOfText else { throw PairError.noEndOfText(path: path) }
    try self.init(source: source, target: target, endOfText: endOfText)
  }
}
