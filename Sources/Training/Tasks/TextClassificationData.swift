import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// The texts of a classification, as tokens on every rank.
///
/// Rank zero reads the files and cuts the texts; the others get what it made, and no shared filesystem is needed.
public final class TextClassificationData {
  public let train: ClassifiedTexts
  public let validation: ClassifiedTexts?
  public let tokenizer: any Tokenizer
  /// The classes of the texts learned from.
  public let classes: TextClasses
  /// V, the tokens that the model must know.
  public let vocabularyCount: Int
  /// What is in the files; on rank zero only.
  let record: DataRecord?
  /// What belongs into each checkpoint: the tokenizer with what stands beside it, on rank zero.
  private let tokenizerFiles: [(name: String, bytes: [UInt8])]

  /// What rank zero reads.
  private struct Files {
    var train: (texts: ClassifiedTexts, digest: ContentDigest)
    var validation: (texts: ClassifiedTexts, digest: ContentDigest)?
    var classes: TextClasses
  }

  /// Opens everything that the section names. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of texts.
  ///   - named: The same with the paths that a record of the data has; nil: no others. Default: nil.
  ///   - context: The most tokens of a text.
  ///   - vocabularyCount: V of the model, at least the tokenizer's; nil: that. Default: nil.
  /// - Throws: `AgreedError` with a `ConfigurationError`, `SampleDataError`, `TokenizerError` or `VocabularyError`.
  public init(
    _ data: TextDataConfiguration, named: TextDataConfiguration? = nil, context: Int,
    vocabularyCount: Int? = nil, communicator: any Communicator
  ) throws {
    try communicator.agree { try data.validate() }
    let json = try communicator.fromRankZero { try TokenizerFile.contents(data.tokenizer) }
    let tokenizer = try communicator.agree {
      let tokenizer = try TokenizerFile.tokenizer(from: json, path: data.tokenizer)
      try tokenizer.requireRoom(in: vocabularyCount, path: data.tokenizer)
      return tokenizer
    }
    var files: Files?
    let trainBytes = try communicator.fromRankZero {
      let found = try Self.read(data, tokenizer: tokenizer, context: context)
      files = found
      return found.train.texts.bytes
    }
    let heldOutBytes = try communicator.fromRankZero { files?.validation?.texts.bytes ?? [] }
    let classBytes = try communicator.fromRankZero { try files?.classes.json() ?? [] }
    (tokenizerFiles, classes) = try communicator.agree {
      let beside =
        communicator.isRankZero ? try TextConventions.files(beside: data.tokenizer).files : []
      return (
        [("tokenizer.json", json)] + beside,
        try TextClasses(json: classBytes, path: TextClasses.fileName)
      )
    }
    self.tokenizer = tokenizer
    self.vocabularyCount = vocabularyCount ?? tokenizer.vocabularyCount
    train = files?.train.texts ?? ClassifiedTexts(bytes: trainBytes, path: data.train)
    validation =
      files?.validation?.texts
      ?? data.validation.flatMap {
        heldOutBytes.isEmpty ? nil : ClassifiedTexts(bytes: heldOutBytes, path: $0)
      }
    record = files.map {
      DataRecord(
        train: $0.train.digest, validation: $0.validation?.digest, named: named ?? data,
        classes: $0.classes.labels, tokenizer: tokenizer)
    }
  }

  private static func read(
    _ data: TextDataConfiguration, tokenizer: any Tokenizer, context: Int
  ) throws -> Files {
    let bytes = try GzipFile.contents(data.train)
    let texts = try LabeledText.read(
      bytes, path: data.train, text: data.text, target: data.target)
    let classes = LabeledText.classes(of: texts)
    let train = try ClassifiedTexts(
      texts, path: data.train, classes: classes, tokenizer: tokenizer, context: context)
    let validation = try data.validation.map { path in
      let bytes = try GzipFile.contents(path)
      return (
        try ClassifiedTexts(
          bytes, path: path, data, classes: classes, tokenizer: tokenizer, context: context),
        ContentDigest(of: bytes)
      )
    }
    return Files(
      train: (train, ContentDigest(of: bytes)), validation: validation,
      classes: TextClasses(
        classes,
        names: try data.classes?.names(
          of: classes, file: data.classes?.path.map { (try GzipFile.contents($0), $0) },
          path: data.train)))
  }

  /// The task of predicting these texts' classes.
  ///
  /// - Parameters:
  ///   - classifier: Knows at least V tokens, and texts of the context.
  ///   - plan: `batch`, `seed` and `evaluate` are used.
  ///   - loss: What is made small. Default: cross-entropy.
  ///   - files: Of each checkpoint, beside the classes and the tokenizer. Default: none.
  /// - Throws: `ConfigurationError` where the plan or the loss is not valid.
  public func task(
    of classifier: any TextClassifier, plan: Plan, loss: LossConfiguration = LossConfiguration(),
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> TextClassificationTask {
    try plan.validate()
    try loss.validate()
    return TextClassificationTask(
      of: classifier,
      objective: loss.objective(forClasses: classes.names.count, topK: plan.evaluate.topK),
      loader: ClassifiedTextLoader(
        train, batchSize: plan.batch.sequences, microbatches: plan.batch.microbatches,
        seed: UInt64(plan.seed)),
      heldOut: validation.map {
        ClassifiedTextLoader($0, batchSize: plan.batch.sequences)
      },
      files: files + tokenizerFiles + [(TextClasses.fileName, try classes.json())])
  }

  /// One line for the console.
  var summary: String {
    let heldOut = validation.map { ", \($0.count) held out" } ?? ""
    return "\(train.path), \(train.count) texts of \(train.tokens.count) tokens, "
      + "\(classes.names.count) classes\(heldOut), vocabulary \(tokenizer.vocabularyCount)"
  }

  /// One line about a step's batch.
  func batchSummary(_ plan: Plan, context: Int) -> String {
    let step = plan.batch.sequences * plan.batch.microbatches
    let epochs = Double(step) * Double(plan.steps) / Double(train.count)
    return "\(step) texts of up to \(context) tokens"
      + String(format: ", %.1f epochs in all", epochs)
  }

  /// What the user should know of the files, one sentence each.
  ///
  /// - Parameter context: The most tokens of a text.
  func notices(context: Int) -> [String] {
    [train, validation].compactMap(\.self).filter { $0.cutCount > 0 }.map {
      "\($0.path): \($0.cutCount) of \($0.count) texts are longer than model.context (\(context) tokens) "
        + "and are cut"
    }
  }
}

extension ClassifiedTexts {
  /// Texts of a file that a model is evaluated on.
  ///
  /// - Parameters:
  ///   - bytes: Of the file, uncompressed.
  ///   - data: Says where the text and the class are.
  ///   - classes: Those that the model knows.
  /// - Throws: `SampleDataError`.
  init(
    _ bytes: [UInt8], path: String, _ data: TextDataConfiguration, classes: [String],
    tokenizer: any Tokenizer, context: Int
  ) throws(SampleDataError) {
    try self.init(
      LabeledText.read(bytes, path: path, text: data.text, target: data.target), path: path,
      classes: classes, tokenizer: tokenizer, context: context)
  }
}
