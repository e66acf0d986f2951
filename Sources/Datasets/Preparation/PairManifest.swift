import Foundation

/// What prepared pairs hold and what they were made from: `dataset.json`.
public struct PairManifest: Sendable, Codable, Equatable {
  /// The pairs to learn from, or those held out.
  public struct Part: Sendable, Codable, Equatable {
    public var pairs: Int
    /// Lines that are empty in either language, and were left out.
    public var skipped: Int
    /// Tokens of the texts to translate, ends included.
    public var sourceTokens: Int
    /// Tokens of the translations, ends included.
    public var targetTokens: Int
    /// SHA-256 of both token files, in hexadecimal.
    public var sourceSHA256: String
    public var targetSHA256: String

    enum CodingKeys: String, CodingKey {
      case pairs, skipped
      case sourceTokens = "source_tokens"
      case targetTokens = "target_tokens"
      case sourceSHA256 = "source_sha256"
      case targetSHA256 = "target_sha256"
    }
  }

  public var request: DatasetManifest.Request
  /// Source and target to learn from, then those held out, if they were given.
  public var inputs: [DatasetManifest.Input]
  public var tokenizer: DatasetManifest.TokenizerRecord
  public var train: Part
  public var validation: Part?

  /// The manifest as it stands in `dataset.json`, UTF-8.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// Reads a `dataset.json`; nil if there is none, or it is none of pairs.
  static func load(_ path: String) -> PairManifest? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return try? JSONDecoder().decode(PairManifest.self, from: data)
  }
}
