/// One token for each byte: id = byte, and 256 for `<|endoftext|>`.
///
/// Needs no training and encodes anything. V is 257.
public struct ByteTokenizer: Tokenizer {
  public let kind = TokenizerKind.bytes
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash

  public init() {
    var vocabulary = Vocabulary()
    for byte in UInt8.min...UInt8.max { vocabulary.append([byte]) }
    vocabulary.appendSpecial(Vocabulary.endOfTextName)
    self.vocabulary = vocabulary
    contentHash = TokenizerHash(kind: .bytes, vocabulary: vocabulary)
  }

  public func encode(
    _ text: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    precondition(tokens.count >= text.count, "the ids may be as many as the text's bytes")
    for index in 0..<text.count { tokens[index] = Int32(text[index]) }
    return text.count
  }
}
