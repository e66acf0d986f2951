import LockstepFiles

/// Text to token ids and back.
///
/// Every tokenizer here is a table of tokens, each a string of bytes, and a way of cutting text into
/// them. No tokenizer yields more tokens than the text has bytes. Decoding what was encoded gives the
/// same bytes back, but for white space that an added token takes (``AddedToken``).
public protocol Tokenizer: Sendable {
  /// What the command line calls this kind of tokenizer.
  var kind: TokenizerKind { get }

  /// The bytes of every token.
  var vocabulary: Vocabulary { get }

  /// SHA-256 over all that decides how text is encoded. Equal for equal tokenizers, however their
  /// files are laid out.
  var contentHash: TokenizerHash { get }

  /// Finds the vocabulary's added tokens.
  var matcher: AddedTokenMatcher { get }

  /// Encodes UTF-8 text in which no added token is looked for: `<|endoftext|>` is text like any other.
  ///
  /// - Parameters:
  ///   - text: The text's bytes.
  ///   - tokens: Where the ids go; at least `text.count` elements.
  /// - Returns: The number of ids written.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text. Only
  ///   ``CharacterTokenizer`` has such gaps.
  func encodePlain(
    _ text: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int

  /// The tokenizer as a Hugging Face `tokenizer.json`, UTF-8.
  func tokenizerJSON() -> [UInt8]

  /// The tokenizer with further special tokens behind its own, which no text is encoded to: it
  /// encodes as before, and has the same ``contentHash``.
  ///
  /// - Parameter names: `Vocabulary.maskName` or `sentinelName`s; those it has stay where they are.
  func adding(special names: [String]) -> Self
}

/// The kinds of tokenizer, by their names on the command line.
public enum TokenizerKind: String, Sendable, Codable, CaseIterable {
  /// Byte-level byte-pair encoding, as in GPT-2.
  case bytePairEncoding = "bpe"
  /// One token for each of the 256 bytes.
  case bytes
  /// One token for each Unicode scalar of the training text.
  case characters
}

extension Tokenizer {
  /// Number of tokens, V; ids are 0 ..< V.
  public var vocabularyCount: Int { vocabulary.count }

  /// The id of `<|endoftext|>`, which stands between documents; nil if there is none.
  public var endOfText: Int32? { vocabulary.endOfText }

  /// The id of `[MASK]`, which stands in place of a hidden token; nil if there is none.
  public var mask: Int32? { vocabulary.mask }

  /// Encodes text.
  ///
  /// - Parameter special: What names of special tokens in the text are. Default: these tokens.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encode(
    _ text: String, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    var text = text
    // A native string's bytes are contiguous; withUTF8 makes any other one so.
    let result = text.withUTF8 { bytes in
      Result { () throws(TokenizerError) in
        try encode(UnsafeRawBufferPointer(bytes), special: special)
      }
    }
    return try result.get()
  }

  /// Encodes bytes, which need not be valid UTF-8.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(
    _ bytes: [UInt8], special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(TokenizerError) in try encode(buffer, special: special) }
    }
    return try result.get()
  }

  /// Encodes the bytes of a buffer.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(
    _ text: UnsafeRawBufferPointer, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    try ids(atMost: text.count) { (buffer) throws(TokenizerError) in
      try encode(text, special: special, into: buffer)
    }
  }

  /// As ``encodePlain(_:into:)``, into an array.
  func encodePlain(_ text: UnsafeRawBufferPointer) throws(TokenizerError) -> [Int32] {
    try ids(atMost: text.count) { (buffer) throws(TokenizerError) in
      try encodePlain(text, into: buffer)
    }
  }

  private func ids(
    atMost limit: Int, _ encode: (UnsafeMutableBufferPointer<Int32>) throws(TokenizerError) -> Int
  ) throws(TokenizerError) -> [Int32] {
    var failure: TokenizerError?
    let tokens = [Int32](unsafeUninitializedCapacity: limit) { buffer, count in
      do throws(TokenizerError) {
        count = try encode(buffer)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return tokens
  }

  /// Encodes the text between added tokens, and puts these where they stand.
  private func encode(
    _ text: UnsafeRawBufferPointer, special: SpecialTokens,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    var count = 0
    try matcher.forEachPart(of: text, special: special) { (part) throws(TokenizerError) in
      switch part {
      case .token(let id, _):
        tokens[count] = id
        count += 1
      case .text(let range):
        do throws(TokenizerError) {
          count += try encodePlain(
            UnsafeRawBufferPointer(rebasing: text[range]),
            into: UnsafeMutableBufferPointer(rebasing: tokens[count...]))
        } catch {
          throw error.shifted(by: range.lowerBound)
        }
      }
    }
    return count
  }

  /// Encodes a text in which `[MASK]` stands for hidden tokens. A token usually begins with the space
  /// before it, so the space before a mask is the hidden token's.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodeMasked(
    _ text: String, mask: Int32, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    let parts = text.split(separator: Vocabulary.maskName, omittingEmptySubsequences: false)
    var tokens: [Int32] = []
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      let hidesSpace = !isLast && part.hasSuffix(" ")
      tokens += try encode(String(hidesSpace ? part.dropLast() : part), special: special)
      if !isLast { tokens.append(mask) }
    }
    return tokens
  }

  /// The bytes that tokens stand for; `<|endoftext|>` gives its own name.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  public func decodeBytes(_ tokens: some Sequence<Int32>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * tokens.underestimatedCount)
    for token in tokens {
      bytes.append(contentsOf: vocabulary.bytes(of: token))
    }
    return bytes
  }

  /// The text that tokens stand for; bytes that are no UTF-8 become U+FFFD.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  public func decode(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: decodeBytes(tokens), as: UTF8.self)
  }

  /// Writes the tokenizer as a Hugging Face `tokenizer.json`, whole or not at all.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func save(to path: String) throws(FileError) {
    try AtomicFile.write(tokenizerJSON(), to: path)
  }
}
