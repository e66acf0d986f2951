/// What `lockstep inspect` tells of a tokenizer.
public struct TokenizerSummary: Sendable, Codable, Equatable, CustomStringConvertible {
  /// The file's path.
  public var path: String
  /// The tokenizer's kind.
  public var kind: TokenizerKind
  /// Number of tokens, V.
  public var vocabularySize: Int
  /// Number of merges; nil unless it is a byte-pair encoding.
  public var merges: Int?
  /// The id of `<|endoftext|>`; nil if there is none.
  public var endOfText: Int32?
  /// The most bytes a token stands for.
  public var longestToken: Int
  /// ``Tokenizer/contentHash``, in hexadecimal.
  public var sha256: String

  enum CodingKeys: String, CodingKey {
    case path, kind, merges, sha256
    case vocabularySize = "vocabulary_size"
    case endOfText = "end_of_text"
    case longestToken = "longest_token_bytes"
  }

  /// Loads a tokenizer.json.
  ///
  /// - Throws: `TokenizerError` if it is none that Lockstep can use.
  public init(path: String) throws(TokenizerError) {
    let tokenizer = try TokenizerFile.load(path)
    self.path = path
    kind = tokenizer.kind
    vocabularySize = tokenizer.vocabularyCount
    merges = (tokenizer as? BytePairEncoding)?.merges.count
    endOfText = tokenizer.endOfText
    longestToken = Int(tokenizer.vocabulary.byteCounts.max() ?? 0)
    sha256 = tokenizer.contentHash.description
  }

  public var description: String {
    """
    \(path): tokenizer
      kind           \(kind.rawValue)\(merges.map { ", \($0) merges" } ?? "")
      vocabulary     \(vocabularySize) tokens, the longest of \(longestToken) bytes
      end of text    \(endOfText.map { "\($0)" } ?? "none")
      sha256         \(sha256)
    """
  }
}
