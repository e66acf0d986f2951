import LockstepFiles

/// What `lockstep inspect` tells of a token file.
public struct TokenFileSummary: Sendable, Codable, Equatable, CustomStringConvertible {
  /// The file's path.
  public var path: String
  /// Number of tokens.
  public var tokens: Int
  /// Number of bytes a token takes: 2 or 4.
  public var bytesPerToken: Int
  /// Number of tokens in the vocabulary, V; nil if the file does not say.
  public var vocabularySize: Int?
  /// The first 16 bytes of the tokenizer's hash, in hexadecimal; nil if the file does not say.
  public var tokenizer: String?
  /// The largest token; nil if there is none.
  public var largestToken: Int?
  /// SHA-256 of the file, in hexadecimal.
  public var sha256: String

  enum CodingKeys: String, CodingKey {
    case path, tokens, tokenizer, sha256
    case bytesPerToken = "bytes_per_token"
    case vocabularySize = "vocabulary_size"
    case largestToken = "largest_token"
  }

  /// Reads and checks a whole token file.
  ///
  /// - Throws: `TokenFileError` if it is damaged, or a token is outside of the vocabulary it states.
  public init(path: String) throws(TokenFileError) {
    let file = try TokenFile(path: path)
    if let vocabularyCount = file.vocabularyCount { try file.requireTokens(below: vocabularyCount) }
    self.path = path
    tokens = file.count
    bytesPerToken = file.bytesPerToken
    vocabularySize = file.vocabularyCount
    tokenizer = file.tokenizerHashPrefix
    largestToken = try file.largestToken
    do throws(FileError) {
      sha256 = try FileHash.sha256(ofFile: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
  }

  public var description: String {
    """
    \(path): token file
      tokens         \(tokens), \(bytesPerToken) bytes each
      vocabulary     \(vocabularySize.map { "\($0) tokens" } ?? "not stated")
      largest token  \(largestToken.map { "\($0)" } ?? "none")
      tokenizer      \(tokenizer.map { $0 + "…" } ?? "not stated")
      sha256         \(sha256)
    """
  }
}
