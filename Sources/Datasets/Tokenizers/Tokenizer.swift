import LockstepFiles

/// Text to token ids and back.
///
/// Every tokenizer is a table of tokens, each a string of bytes, and a way of cutting text into them. A text
/// is encoded in three steps, as Hugging Face's `tokenizers` does it: added tokens are found and taken out
/// (``matcher``), what lies between is changed (``normalizer``), and cut into tokens
/// (``encodePlain(_:at:into:)``).
///
/// A tokenizer that ``keepsText`` gives a text back as it was, byte for byte, but for white space that an
/// added token takes (``AddedToken``). Others lose what their normaliser changes: WordPiece the capitals,
/// SentencePiece the difference of a space and "▁", which decoding makes a space.
public protocol Tokenizer: Sendable {
  /// What the command line calls this kind of tokenizer.
  var kind: TokenizerKind { get }

  /// The bytes of every token.
  var vocabulary: Vocabulary { get }

  /// SHA-256 over all that decides how text is encoded. Equal for equal tokenizers, however their
  /// files are laid out. The ``template`` is no part of it: it changes no text's own tokens.
  var contentHash: TokenizerHash { get }

  /// Finds the vocabulary's added tokens.
  var matcher: AddedTokenMatcher { get }

  /// How text is changed before it is cut. Default: not at all.
  var normalizer: TextNormalizer { get }

  /// What stands around a text that is an input of a model. Default: nothing.
  var template: TextTemplate { get }

  /// How tokens become text. Default: their bytes do.
  var decoding: TokenDecoding { get }

  /// Whether the bytes of a text's tokens are the text. Only then can bits per byte be measured.
  /// Default: true.
  var keepsText: Bool { get }

  /// Where a long text may be cut, so that its parts are encoded as the whole is. Default: anywhere that
  /// ``CuttingPlaces`` names.
  var places: CuttingPlaces { get }

  /// Encodes UTF-8 text that is normalised and in which no added token is looked for: `<|endoftext|>` is
  /// text like any other.
  ///
  /// - Parameters:
  ///   - text: The text's bytes.
  ///   - place: Where it stands in the text that is encoded.
  ///   - tokens: Where the ids go; at least `text.count + 1` elements.
  /// - Returns: The number of ids written.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text. Only
  ///   ``CharacterTokenizer`` has such gaps.
  func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int

  /// The tokenizer as a Hugging Face `tokenizer.json`, UTF-8.
  func tokenizerJSON() -> [UInt8]

  /// The tokenizer with further special tokens behind its own, which no text is encoded to: it
  /// encodes as before, and has the same ``contentHash``.
  ///
  /// - Parameter names: `Vocabulary.maskName` or `sentinelName`s; those it has stay where they are.
  func adding(special names: [String]) -> Self
}

extension Tokenizer {
  public var normalizer: TextNormalizer { TextNormalizer() }
  public var template: TextTemplate { TextTemplate() }
  public var decoding: TokenDecoding { .bytes }
  public var keepsText: Bool { true }
  public var places: CuttingPlaces { [.spaces, .lineFeeds] }
}

/// The kinds of tokenizer, by their names on the command line.
public enum TokenizerKind: String, Sendable, Codable, CaseIterable {
  /// Byte-level byte-pair encoding, as in GPT-2, Llama 3, Qwen and SmolLM2.
  case bytePairEncoding = "bpe"
  /// One token for each of the 256 bytes.
  case bytes
  /// One token for each Unicode scalar of the training text.
  case characters
  /// Byte-pair encoding of characters, with spaces as "▁" and bytes where there is no character, as in
  /// Llama 2 and Mistral. Lockstep reads such tokenizers and trains none.
  case sentencePiece = "sentencepiece"
  /// Words cut into the longest pieces from the left, as in BERT. Lockstep reads such tokenizers and trains
  /// none.
  case wordPiece = "wordpiece"
}

extension Tokenizer {
  /// Number of tokens, V; ids are 0 ..< V.
  public var vocabularyCount: Int { vocabulary.count }

  /// The id of the token between documents, such as `<|endoftext|>` (``Vocabulary/endOfTextNames``); nil if
  /// there is none.
  public var endOfText: Int32? { vocabulary.endOfText }

  /// The id of `[MASK]`, which stands in place of a hidden token; nil if there is none.
  public var mask: Int32? { vocabulary.mask }

  /// Number of bytes of text that each token stands for, [V]; nil where tokens are not the text's bytes, so
  /// that there are no bits per byte.
  public var byteCounts: [Int32]? { keepsText ? vocabulary.byteCounts : nil }

  /// Writes the tokenizer as a Hugging Face `tokenizer.json`, whole or not at all.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func save(to path: String) throws(FileError) {
    try AtomicFile.write(tokenizerJSON(), to: path)
  }
}
