import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepSettings

/// The token files of a run and their tokenizer, opened on every rank.
///
/// Rank zero's files decide. A host that has the same file at the same path maps its own; others
/// get a copy in shared memory: no shared filesystem is needed.
public final class TextFiles {
  /// The files that are trained on, with their weights.
  public let train: [(file: TokenFile, weight: Double)]
  /// Empty where nothing is held out.
  public let validation: [TokenFile]
  /// With the special tokens that the task adds; nil where the `data` section names none.
  public let tokenizer: (any Tokenizer)?
  /// V, of a model that learns from these files.
  public let vocabularyCount: Int
  /// The token between documents that are kept apart; nil: they are joined.
  let separator: Int32?
  /// The special tokens that the task adds; none where there is no tokenizer.
  let addedTokens: [Int32]
  private let tokenizerJSON: [UInt8]
  /// What stands beside the tokenizer, as it is and what it says; on rank zero only.
  private let conventions: (files: [(name: String, bytes: [UInt8])], conventions: TextConventions)
  let isRankZero: Bool

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section.
  ///   - special: Names of the special tokens that the task adds to the tokenizer's. Without a
  ///     tokenizer the last rows of the vocabulary are theirs.
  ///   - vocabularyCount: V of the model; nil: as many as the tokenizer has, which there must be then.
  /// - Throws: `AgreedError` with a `TokenFileError`, `TokenizerError`, `VocabularyError` or
  ///   `MissingSeparatorError`.
  init(
    _ data: TokenDataConfiguration, adding special: [String], vocabularyCount: Int?,
    communicator: any Communicator
  ) throws {
    precondition(
      data.tokenizer != nil || vocabularyCount != nil,
      "token files without a tokenizer need the vocabulary's size")
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
    conventions = try communicator.agree {
      guard communicator.isRankZero, let path = data.tokenizer else {
        return ([], TextConventions())
      }
      return try TextConventions.files(beside: path)
    }
    let files = train.map(\.file) + validation
    let (tokenizer, tokenizerJSON): ((any Tokenizer)?, [UInt8]) = try communicator.agree {
      guard let path = data.tokenizer else {
        let textCount = (vocabularyCount ?? 1) - special.count
        for file in files { try file.requireTokens(below: textCount) }
        return (nil, [])
      }
      let original = try TokenizerFile.tokenizer(from: fileJSON, path: path)
      let tokenizer: any Tokenizer = original.adding(special: special)
      for file in files { try file.requireTokenizer(tokenizer) }
      try tokenizer.requireRoom(in: vocabularyCount, path: path, added: special)
      let isExtended = tokenizer.vocabularyCount > original.vocabularyCount
      return (tokenizer, isExtended ? tokenizer.tokenizerJSON() : fileJSON)
    }
    self.tokenizer = tokenizer
    self.tokenizerJSON = tokenizerJSON
    self.vocabularyCount = vocabularyCount ?? tokenizer?.vocabularyCount ?? 0
    addedTokens = special.compactMap { tokenizer?.vocabulary.id(ofSpecial: $0) }
    separator = try communicator.agree {
      try data.documents.separator(of: tokenizer, path: data.tokenizer)
    }
  }

  /// What training batches are cut from.
  ///
  /// - Parameters:
  ///   - context: T.
  ///   - plan: `batch` and `seed` are used.
  /// - Throws: `TokenFileError.tooShort` where a file has no window of the context.
  func loader(context: Int, plan: Plan) throws(TokenFileError) -> LanguageModelingLoader {
    LanguageModelingLoader(
      try TokenMixture(train, context: context, seed: UInt64(plan.seed)),
      sequences: plan.batch.sequences, microbatches: plan.batch.microbatches,
      separator: separator)
  }

  /// What belongs into each checkpoint: `tokenizer.json`, and what stands beside it.
  var checkpointFiles: [(name: String, bytes: [UInt8])] {
    tokenizer == nil ? [] : [("tokenizer.json", tokenizerJSON)] + conventions.files
  }

  /// The tokens behind which no more of a text comes; none where there is no tokenizer. Whole on rank zero only.
  var ends: Set<Int32> {
    tokenizer?.vocabulary.ends(named: conventions.conventions.endOfTextNames) ?? []
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

extension TextFiles {
  /// What is in the files; nil on other ranks than zero.
  ///
  /// - Parameters:
  ///   - named: The section as the configuration has it.
  ///   - added: Names of the special tokens that the task adds.
  ///   - vectors: Where pretrained word vectors are; nil: there are none.
  ///   - vectorsNamed: As the configuration has them.
  func record(
    named: TokenDataConfiguration?, added: [String], vectors: String?, vectorsNamed: String?
  ) throws -> DataRecord? {
    guard isRankZero, let named else { return nil }
    return try DataRecord(
      train: train.map(\.file), validation: validation, named: named, tokenizer: tokenizer,
      added: added, vectors: vectors, vectorsNamed: vectorsNamed)
  }
}

extension Tokenizer {
  /// - Parameters:
  ///   - vocabulary: V of the model; nil: the tokenizer's.
  ///   - path: The tokenizer's file.
  ///   - added: The special tokens that the task has added to the file's.
  /// - Throws: `VocabularyError` where the model has fewer tokens than the tokenizer.
  func requireRoom(
    in vocabulary: Int?, path: String, added: [String] = []
  ) throws(VocabularyError) {
    guard let vocabulary, vocabulary < vocabularyCount else { return }
    throw VocabularyError(
      model: vocabulary, tokenizer: vocabularyCount - added.count, path: path, added: added)
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
