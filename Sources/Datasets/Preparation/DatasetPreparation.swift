import Foundation
import LockstepFiles
import LockstepRedaction

/// Makes a data set from text: `train.bin`, `validation.bin`, `tokenizer.json`, `dataset.json`.
///
/// The last part of the text is held out; the tokenizer is trained on the other. `dataset.json` is
/// written last: a directory that has it is complete. What a preparation that was killed leaves is removed
/// by the next; two in one directory at a time are refused.
public struct DatasetPreparation: Sendable {
  /// Where the tokenizer comes from.
  public enum TokenizerSource: Sendable, Equatable {
    /// A byte-pair encoding of this many tokens is trained.
    case bytePairEncoding(vocabularySize: Int)
    /// The 256 bytes.
    case bytes
    /// The characters of the training text.
    case characters
    /// A tokenizer.json at this path.
    case file(String)

    /// What the command line means.
    ///
    /// - Parameters:
    ///   - name: "bpe", "bytes", "characters", or a path.
    ///   - vocabularySize: Number of tokens to train; only for "bpe".
    ///     Default: ``DatasetPreparation/defaultVocabularySize``.
    /// - Throws: `PreparationError` if there is no such kind or file, or it has a size of its own.
    public init(named name: String, vocabularySize: Int?) throws(PreparationError) {
      let kind = TokenizerKind(rawValue: name)
      if kind != .bytePairEncoding && vocabularySize != nil {
        throw .vocabularySizeNotApplicable(tokenizer: name)
      }
      switch kind {
      case .bytePairEncoding:
        self = .bytePairEncoding(
          vocabularySize: vocabularySize ?? DatasetPreparation.defaultVocabularySize)
      case .bytes: self = .bytes
      case .characters: self = .characters
      // There are such tokenizers in files only.
      case .sentencePiece, .wordPiece, nil:
        do throws(FileError) {
          let path = FileSystem.isDirectory(name) ? name + "/" + DatasetFiles.tokenizerName : name
          self = .file(path)
          if try FileSystem.exists(path) { return }
        } catch {
          throw .unreadableInput(path: name, reason: error.reason)
        }
        throw .unknownTokenizer(name)
      }
    }
  }

  /// How far the work has come; counts are bytes, or tokens of the vocabulary.
  public enum Progress: Sendable, Equatable {
    /// Words are counted.
    case counting(done: Int, of: Int)
    /// Merges are learnt.
    case merging(done: Int, of: Int)
    /// Text is encoded.
    case encoding(done: Int, of: Int)
  }

  /// What was made, or found to be there already.
  public struct Outcome: Sendable, Equatable {
    /// What the data set holds.
    public var manifest: DatasetManifest
    /// Whether the directory held this very data set before, so that nothing was written.
    public var wasPrepared: Bool
    /// What was left out of the inputs, one sentence each.
    public var notes: [String] = []

    /// What was made, in a few lines.
    ///
    /// - Parameter directory: Where it is.
    public func summary(directory: String) -> String {
      let header = wasPrepared ? "\(directory) already holds this data set" : directory
      let tokenizer = manifest.tokenizer
      let wanted = manifest.request.vocabularySize ?? tokenizer.vocabularySize
      let note =
        tokenizer.vocabularySize < wanted
        ? " (not \(wanted): the text has no more pairs that repeat)" : ""
      return """
        \(header)
          tokenizer   \(tokenizer.kind.rawValue), \(tokenizer.vocabularySize) tokens\(note), \
        sha256 \(tokenizer.sha256.prefix(16))
          train       \(Self.line(manifest.train))
          validation  \(manifest.validation.map(Self.line) ?? "none")
        """

    }

    private static func line(_ part: DatasetManifest.Part) -> String {
      let ratio = part.tokens > 0 ? Double(part.bytes) / Double(part.tokens) : 0
      let text = String(format: "%.3f", ratio)
      return "\(part.tokens) tokens, \(part.bytes) bytes, \(text) bytes per token"
    }
  }

  /// Tokens of a trained byte-pair encoding, unless asked otherwise.
  public static let defaultVocabularySize = 4096
  /// The fraction of the text that is held out, unless asked otherwise.
  public static let defaultValidationFraction = 0.05

  /// Files, directories, or "-".
  public var inputs: [String]
  /// The directory that the data set goes to; made if it is not there.
  public var output: String
  /// Where the tokenizer comes from.
  public var tokenizer: TokenizerSource
  /// The fraction of the text's bytes to hold out, in 0 ..< 1; with 0 there is no `validation.bin`.
  public var validationFraction: Double
  /// What names of special tokens in the text are. `<|endoftext|>` is the border of two documents in any
  /// case.
  public var specialTokens: SpecialTokens
  /// Whether a data set that the directory holds is replaced if it differs.
  public var overwrites: Bool
  /// Replaces what it finds in the texts, before anything else is done with them; nil: nothing does.
  public var redactor: Redactor?

  public init(
    inputs: [String], output: String,
    tokenizer: TokenizerSource = .bytePairEncoding(vocabularySize: defaultVocabularySize),
    validationFraction: Double = defaultValidationFraction, specialTokens: SpecialTokens = .token,
    overwrites: Bool = false, redactor: Redactor? = nil
  ) {
    self.redactor = redactor
    self.inputs = inputs
    self.output = output
    self.tokenizer = tokenizer
    self.validationFraction = validationFraction
    self.specialTokens = specialTokens
    self.overwrites = overwrites
  }

  /// Makes the data set, unless the directory holds it already.
  ///
  /// - Parameter report: Called now and then while the work goes on.
  /// - Throws: `PreparationError`, `TokenizerError` for what is wrong with the request or the texts;
  ///   `FileError` if writing fails.
  public func run(report: (Progress) -> Void = { _ in }) throws -> Outcome {
    try checkRequest()
    let list = try InputDocument.open(inputs, redacting: redaction(.text))
    let documents = list.documents
    let given = try givenTokenizer()
    let parts = try TextSpan.split(documents, holdingOut: validationFraction)
    let records = documents.map(\.record)
    let opened = try DatasetFiles.open(output) { () throws(PreparationError) in
      try DatasetManifest.existing(for: self, inputs: records, tokenizerHash: given?.contentHash)
    }
    let files: DatasetFiles
    switch opened {
    case .prepared(let manifest):
      return Outcome(manifest: manifest, wasPrepared: true, notes: list.notes)
    case .free(let free): files = free
    }
    let tokenizer = try given ?? train(on: parts.training, report)
    try requireEndOfText(tokenizer, parts: [parts.training, parts.validation])
    let manifest = try files.write(
      training: parts.training, validation: parts.validation, tokenizer: tokenizer,
      request: request, inputs: records, report: report)
    return Outcome(manifest: manifest, wasPrepared: false, notes: list.notes)
  }

  /// What is done to texts of a format first; nil: nothing.
  func redaction(_ format: RedactionFormat) -> InputDocument.Redaction? {
    redactor.map { InputDocument.Redaction(redactor: $0, format: format) }
  }

  /// - Throws: `PreparationError`, `TokenizerError` for numbers that make no sense.
  func checkRequest() throws {
    guard (0..<1).contains(validationFraction) else {
      throw PreparationError.invalidFraction(validationFraction)
    }
    if case .bytePairEncoding(let size) = tokenizer, size < BytePairTrainer.minimumVocabularyCount {
      throw TokenizerError.vocabularyTooSmall(
        requested: size, minimum: BytePairTrainer.minimumVocabularyCount)
    }
  }

  /// What `dataset.json` says was asked for.
  var request: DatasetManifest.Request {
    let (name, size): (String, Int?) =
      switch tokenizer {
      case .bytePairEncoding(let size): (TokenizerKind.bytePairEncoding.rawValue, size)
      case .bytes: (TokenizerKind.bytes.rawValue, nil)
      case .characters: (TokenizerKind.characters.rawValue, nil)
      case .file(let path): (path, nil)
      }
    return DatasetManifest.Request(
      tokenizer: name, vocabularySize: size, validationFraction: validationFraction,
      specialTokens: specialTokens,
      redaction: redactor.map(DatasetManifest.Redaction.init))
  }

  /// The tokenizer, if it needs no training.
  func givenTokenizer() throws(TokenizerError) -> (any Tokenizer)? {
    switch tokenizer {
    case .bytes: ByteTokenizer()
    case .file(let path): try TokenizerFile.load(path)
    case .bytePairEncoding, .characters: nil
    }
  }

  /// Trains a tokenizer on the part of the text that is not held out.
  ///
  /// - Throws: `PreparationError.notExpressible` where characters are wanted and a text is not UTF-8;
  ///   `TokenizerError`.
  func train(
    on spans: [TextSpan], _ report: (Progress) -> Void
  ) throws -> any Tokenizer {
    let byteCount = spans.reduce(0) { $0 + $1.range.count }
    var done = 0
    var words = WordCounts()
    var scalars = SeenScalars()
    let vocabularySize: Int? = if case .bytePairEncoding(let size) = tokenizer { size } else { nil }
    // The counted words stay in the documents, which `spans` keeps alive.
    return try withExtendedLifetime(spans) {
      try TextSpan.forEachPiece(of: spans) { (piece) throws(PreparationError) in
        guard case .text(let text, _) = piece else { return }
        if vocabularySize == nil {
          try TextSpan.telling(of: text, in: spans) { (text) throws(TokenizerError) in
            try scalars.add(text)
          }
        } else {
          words.add(text)
        }
        done += text.count
        report(.counting(done: done, of: byteCount))
      }
      guard let vocabularySize else { return CharacterTokenizer(scalars: scalars.scalars) }
      var trainer = try BytePairTrainer(
        words: words, vocabularyCount: vocabularySize, minimumFrequency: 2)
      return trainer.train { report(.merging(done: $0, of: $1)) }
    }
  }

  /// Several documents need a token between them.
  private func requireEndOfText(
    _ tokenizer: any Tokenizer, parts: [[TextSpan]]
  ) throws(PreparationError) {
    if tokenizer.endOfText != nil { return }
    var documentCount = parts.filter { !$0.isEmpty }.count
    let separated = documentCount
    for part in parts {
      TextSpan.forEachPiece(of: part) { piece in
        if case .endOfText = piece { documentCount += 1 }
      }
    }
    if documentCount > separated {
      throw .noEndOfText(tokenizer: request.tokenizer, documentCount: documentCount)
    }
  }
}
