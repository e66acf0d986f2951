/// What prepared pairs hold and what they were made from: `dataset.json`.
public struct PairManifest: PreparedManifest {
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

  public var tokenFiles: [(name: String, sha256: String)] {
    var files: [(name: String, sha256: String)] = []
    for case (let name, let part?) in [("train", train), ("validation", validation)] {
      files.append(("\(name).source.bin", part.sourceSHA256))
      files.append(("\(name).target.bin", part.targetSHA256))
    }
    return files
  }
}
