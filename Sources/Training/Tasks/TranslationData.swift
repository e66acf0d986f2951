import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings

/// The files of a translation run, opened on every rank as those of a language model are.
public final class TranslationData {
  public let train: PairFile
  public let validation: PairFile?
  public let tokenizer: any Tokenizer
  private let tokenizerJSON: [UInt8]

  /// Opens everything that the `data` section names, and checks that it belongs together.
  /// Collective.
  ///
  /// - Throws: `AgreedError` with a `TokenFileError`, `TokenizerError` or `PairError`.
  public init(_ configuration: RunConfiguration, communicator: any Communicator) throws {
    guard let data = configuration.data.pairs else {
      preconditionFailure("translation is configured with pairs")
    }
    func open(_ path: String) throws -> TokenFile {
      try SharedTokenFile.open(path, communicator: communicator)
    }
    let trainFiles = (try open(data.trainSource), try open(data.trainTarget))
    var heldOutFiles: (TokenFile, TokenFile)?
    if let source = data.validationSource, let target = data.validationTarget {
      heldOutFiles = (try open(source), try open(target))
    }
    tokenizerJSON = try communicator.fromRankZero { try TokenizerFile.contents(data.tokenizer) }
    let (tokenizerJSON, validationFiles) = (tokenizerJSON, heldOutFiles)
    (tokenizer, train, validation) = try communicator.agree {
      let tokenizer = try TokenizerFile.tokenizer(from: tokenizerJSON, path: data.tokenizer)
      try configuration.model.requireVocabulary(of: tokenizer, path: data.tokenizer)
      func pairs(_ files: (TokenFile, TokenFile)) throws -> PairFile {
        try PairFile(source: files.0, target: files.1, tokenizer: tokenizer, path: data.tokenizer)
      }
      return (tokenizer, try pairs(trainFiles), try validationFiles.map(pairs))
    }
  }

  /// The task of translating these texts with the configuration's model.
  ///
  /// - Throws: `PairError.tooFewPairs`.
  public func task(for configuration: RunConfiguration) throws -> TranslationTask {
    let context = configuration.model.context
    guard
      let model = configuration.model.sequenceToSequenceModel(
        vocabularyCount: tokenizer.vocabularyCount)
    else { preconditionFailure("translation is configured with a model of pairs") }
    let loader = try PairLoader(
      train, sequences: configuration.batch.sequences, context: context,
      microbatches: configuration.batch.microbatches, seed: UInt64(configuration.seed))
    let heldOut = try validation.map {
      try PairLoader(
        $0, sequences: configuration.batch.sequences, context: context, requiresFullStep: false)
    }
    return TranslationTask(
      model: model, labelSmoothing: configuration.loss.kind.labelSmoothing, loader: loader,
      heldOut: heldOut,
      scoring: configuration.evaluate.bleu
        ? TranslationScoring(.beamSearch(BeamSearch(beams: 1)), tokenizer: tokenizer) : nil,
      checkpointFiles: [
        ("config.yaml", Array(configuration.yaml().utf8)), ("tokenizer.json", tokenizerJSON),
      ])
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
