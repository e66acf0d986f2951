/// Turns tokens into text as they come, keeping back bytes until the character they begin is whole.
public struct StreamingDecoder: Sendable {
  private let vocabulary: Vocabulary
  private let decoding: TokenDecoding
  private var isFirst: Bool
  private var pending: [UInt8] = []

  /// - Parameters:
  ///   - tokenizer: What the tokens were encoded with.
  ///   - continues: Whether the tokens go on with a text, so that a space before the first is one.
  ///     Default: false.
  public init(_ tokenizer: some Tokenizer, continues: Bool = false) {
    vocabulary = tokenizer.vocabulary
    decoding = tokenizer.decoding
    isFirst = !continues
  }

  /// The text that a further token completes; may be empty.
  ///
  /// - Parameter token: An id in 0 ..< V. An id outside is a programmer error.
  public mutating func append(_ token: Int32) -> String {
    decoding.append(vocabulary.bytes(of: token), isFirst: isFirst, to: &pending)
    isFirst = false
    let kept = incompleteCount
    let text = String(decoding: pending.dropLast(kept), as: UTF8.self)
    pending.removeFirst(pending.count - kept)
    return text
  }

  /// What is left at the end: U+FFFD for a character that was never completed.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// How many bytes at the end begin a character that needs more.
  private var incompleteCount: Int {
    for count in 1...3 where count <= pending.count {
      let byte = pending[pending.count - count]
      if byte & 0xC0 == 0x80 { continue }
      let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return needed > count ? count : 0
    }
    return 0
  }
}
