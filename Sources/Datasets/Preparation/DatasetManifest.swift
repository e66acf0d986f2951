import LockstepRedaction

/// What a prepared data set holds and what it was made from: `dataset.json`.
public struct DatasetManifest: PreparedManifest {
  /// What was asked for.
  public struct Request: Sendable, Codable, Equatable {
    /// "bpe", "bytes", "characters", or the path of a tokenizer.json.
    public var tokenizer: String
    /// Number of tokens asked for; byte-pair encodings only.
    public var vocabularySize: Int?
    /// The fraction of the text's bytes that is held out.
    public var validationFraction: Double
    /// What names of special tokens in the text are; nil: this was not asked when the data set was made,
    /// and they are text.
    public var specialTokens: SpecialTokens?
    /// What was replaced in the texts; nil: nothing.
    public var redaction: Redaction?

    enum CodingKeys: String, CodingKey {
      case tokenizer, redaction
      case specialTokens = "special_tokens"
      case vocabularySize = "vocabulary_size"
      case validationFraction = "validation_fraction"
    }
  }

  /// What was replaced in the texts before anything else.
  public struct Redaction: Sendable, Codable, Equatable {
    /// What was looked for, in alphabetical order.
    public var classes: [String]
    /// How many names were looked for.
    public var names: Int
    /// Whether findings became pseudonyms.
    public var pseudonyms: Bool

    init(_ redactor: Redactor) {
      classes = redactor.classes.map(\.rawValue).sorted()
      names = redactor.names.count
      pseudonyms = redactor.makesPseudonyms
    }
  }

  /// One of the texts.
  public struct Input: Sendable, Codable, Equatable {
    /// The file's path as it was given, or "-" for standard input.
    public var name: String
    /// Number of bytes, without a byte order mark.
    public var bytes: Int
    /// SHA-256 of the text without such a mark, in hexadecimal; of a redacted one as it was encoded.
    public var sha256: String
    /// How many findings of each class were replaced; nil: the text was not redacted.
    public var redacted: [String: Int]? = nil
  }

  /// The tokenizer that was made or taken.
  public struct TokenizerRecord: Sendable, Codable, Equatable {
    /// The tokenizer's kind.
    public var kind: TokenizerKind
    /// Number of tokens, V.
    public var vocabularySize: Int
    /// ``Tokenizer/contentHash``, in hexadecimal.
    public var sha256: String

    enum CodingKeys: String, CodingKey {
      case kind
      case vocabularySize = "vocabulary_size"
      case sha256
    }
  }

  /// One of the two parts of the text.
  public struct Part: Sendable, Codable, Equatable {
    /// Number of tokens.
    public var tokens: Int
    /// Number of bytes of text, names of special tokens included, borders of documents not.
    public var bytes: Int
    /// SHA-256 of the token file, in hexadecimal.
    public var sha256: String
  }

  /// What was asked for.
  public var request: Request
  /// The texts, in order.
  public var inputs: [Input]
  /// The tokenizer.
  public var tokenizer: TokenizerRecord
  /// The part to train on.
  public var train: Part
  /// The part that was held out: the last bytes of the text.
  public var validation: Part?

  public var tokenFiles: [(name: String, sha256: String)] {
    [(DatasetFiles.trainName, train.sha256)]
      + (validation.map { [(DatasetFiles.validationName, $0.sha256)] } ?? [])
  }
}
