import LockstepFiles

/// Text to token ids and back.
///
/// Every tokenizer here is a table of tokens, each a string of bytes, and a way of cutting text into
/// them. No tokenizer yields more tokens than the text has bytes, and decoding what was encoded
/// gives the same bytes back.
public protocol Tokenizer: Sendable {
  /// What the command line calls this kind of tokenizer.
  var kind: TokenizerKind { get }

  /// The bytes of every token.
  var vocabulary: Vocabulary { get }

  /// SHA-256 over all that decides how text is encoded. Equal for equal tokenizers, however their
  /// files are laid out.
  var contentHash: TokenizerHash { get }

  /// Encodes UTF-8 text. `<|endoftext|>` in the text is text like any other.
  ///
  /// - Parameters:
  ///   - text: The text's bytes.
  ///   - tokens: Where the ids go; at least `text.count` elements.
  /// - Returns: The number of ids written.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text. Only
  ///   ``CharacterTokenizer`` has such gaps.
  func encode(
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
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encode(_ text: String) throws(TokenizerError) -> [Int32] {
    var text = text
    // A native string's bytes are contiguous; withUTF8 makes any other one so.
    let result = text.withUTF8 { bytes in
      Result { () throws(TokenizerError) in try encode(UnsafeRawBufferPointer(bytes)) }
    }
    return try result.get()
  }

  /// Encodes bytes, which need not be valid UTF-8.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(_ bytes: [UInt8]) throws(TokenizerError) -> [Int32] {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(TokenizerError) in try encode(buffer) }
    }
    return try result.get()
  }

  /// Encodes the bytes of a buffer.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(_ text: UnsafeRawBufferPointer) throws(TokenizerError) -> [Int32] {
    var failure: TokenizerError?
    let tokens = [Int32](unsafeUninitializedCapacity: text.count) { buffer, count in
      do throws(TokenizerError) {
        count = try encode(text, into: buffer)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return tokens
  }

  /// Encodes a text in which `[MASK]` stands for hidden tokens. A token usually begins with the space
  /// before it, so the space before a mask is the hidden token's.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodeMasked(_ text: String, mask: Int32) throws(TokenizerError) -> [Int32] {
    let parts = text.split(separator: Vocabulary.maskName, omittingEmptySubsequences: false)
    var tokens: [Int32] = []
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      let hidesSpace = !isLast && part.hasSuffix(" ")
      tokens += try encode(String(hidesSpace ? part.dropLast() : part))
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
