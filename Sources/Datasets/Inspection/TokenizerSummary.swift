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
  /// How a byte-level encoding cuts text into words (``SplitPattern``); nil for others.
  public var pattern: String?
  /// What an input of a model is, with TEXT for the text; nil where the template adds nothing.
  public var template: String?
  /// The most tokens of an input; nil: there is no limit.
  public var inputLimit: Int?
  /// The id of the token between documents; nil if there is none.
  public var endOfText: Int32?
  /// The most bytes a token stands for.
  public var longestToken: Int
  /// ``Tokenizer/contentHash``, in hexadecimal.
  public var sha256: String

  enum CodingKeys: String, CodingKey {
    case path, kind, merges, pattern, template, sha256
    case inputLimit = "input_limit"
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
    let bytePairs = tokenizer as? BytePairEncoding
    merges = (bytePairs?.merges ?? (tokenizer as? SentencePieceTokenizer)?.merges)?.count
    pattern = bytePairs?.form.pattern.rawValue
    template = Self.words(tokenizer.template, tokenizer.vocabulary)
    inputLimit = tokenizer.template.limit
    endOfText = tokenizer.endOfText
    longestToken = Int(tokenizer.vocabulary.byteCounts.max() ?? 0)
    sha256 = tokenizer.contentHash.description
  }

  private static func words(_ template: TextTemplate, _ vocabulary: Vocabulary) -> String? {
    guard template.single != TextTemplate().single else { return nil }
    return template.single.map { piece in
      piece.token.map { String(decoding: vocabulary.bytes(of: $0), as: UTF8.self) } ?? "TEXT"
    }.joined(separator: " ")
  }

  public var description: String {
    let limit = inputLimit.map { ", of \($0) tokens at most" } ?? ""
    let input = template ?? (inputLimit.map { _ in "TEXT" })
    return """
      \(path): tokenizer
        kind           \(kind.rawValue)\(merges.map { ", \($0) merges" } ?? "")\
      \(pattern.map { ", words as of \($0)" } ?? "")
        vocabulary     \(vocabularySize) tokens, the longest of \(longestToken) bytes
        end of text    \(endOfText.map { "\($0)" } ?? "none")\
      \(input.map { "\n  input          \($0)\(limit)" } ?? "")
        sha256         \(sha256)
      """
  }
}
