/// One token for each byte: id = byte, and 256 for `<|endoftext|>`.
///
/// Needs no training and encodes anything. V is 257, and one more for each name that a task adds.
public struct ByteTokenizer: Tokenizer {
  public let kind = TokenizerKind.bytes
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher

  public init() {
    var vocabulary = Vocabulary()
    for byte in UInt8.min...UInt8.max { vocabulary.append([byte]) }
    vocabulary.appendSpecial(Vocabulary.endOfTextName)
    self.init(vocabulary: vocabulary)
  }

  /// - Parameter vocabulary: The bytes in their order, `<|endoftext|>`, and further added tokens.
  init(vocabulary: Vocabulary) {
    self.vocabulary = vocabulary
    matcher = AddedTokenMatcher(vocabulary)
    contentHash = TokenizerHash(kind: .bytes, vocabulary: vocabulary)
  }

  public func adding(special names: [String]) -> ByteTokenizer {
    ByteTokenizer(vocabulary: vocabulary.adding(special: names))
  }

  public func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    precondition(tokens.count >= text.count, "the ids may be as many as the text's bytes")
    for index in 0..<text.count { tokens[index] = Int32(text[index]) }
    return text.count
  }
}
