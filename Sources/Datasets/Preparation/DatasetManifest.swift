import Foundation

/// What a prepared data set holds and what it was made from: `dataset.json`.
public struct DatasetManifest: Sendable, Codable, Equatable {
  /// What was asked for.
  public struct Request: Sendable, Codable, Equatable {
    /// "bpe", "bytes", "characters", or the path of a tokenizer.json.
    public var tokenizer: String
    /// Number of tokens asked for; byte-pair encodings only.
    public var vocabularySize: Int?
    /// The fraction of the text's bytes that is held out.
    public var validationFraction: Double

    enum CodingKeys: String, CodingKey {
      case tokenizer
      case vocabularySize = "vocabulary_size"
      case validationFraction = "validation_fraction"
    }
  }

  /// One of the texts.
  public struct Input: Sendable, Codable, Equatable {
    /// The file's path as it was given, or "-" for standard input.
    public var name: String
    /// Number of bytes.
    public var bytes: Int
    /// SHA-256 of the text, in hexadecimal.
    public var sha256: String
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
    /// Number of bytes of text, without the borders of documents.
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

  /// The manifest as it stands in `dataset.json`, UTF-8.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// Reads a `dataset.json`; nil if there is none, or it is none.
  static func load(_ path: String) -> DatasetManifest? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return try? JSONDecoder().decode(DatasetManifest.self, from: data)
  }

  /// How a data set for this request and these inputs would differ; nil if it would be the same.
  ///
  /// - Parameter tokenizerHash: The tokenizer's, if it is taken from a file.
  func difference(
    from request: Request, inputs: [Input], tokenizerHash: TokenizerHash?
  ) -> String? {
    let contents = { (inputs: [Input]) in inputs.map(\.sha256) }
    if contents(inputs) != contents(self.inputs) { return "it was made from other text" }
    if let tokenizerHash {
      if tokenizerHash.description != tokenizer.sha256 { return "it has another tokenizer" }
    } else if request.tokenizer != self.request.tokenizer {
      return "its tokenizer is '\(self.request.tokenizer)'"
    }
    if request.vocabularySize != self.request.vocabularySize {
      return "its vocabulary size is \(self.request.vocabularySize.map { "\($0)" } ?? "given")"
    }
    if request.validationFraction != self.request.validationFraction {
      return "its validation fraction is \(self.request.validationFraction)"
    }
    return nil
  }
}
