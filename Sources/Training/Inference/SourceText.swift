import LockstepDatasets

/// A line to be translated, cut where it is longer than the model can read.
struct SourceText {
  /// The tokens of each part, without the end; none for a line without text.
  let parts: [[Int32]]

  /// - Parameters:
  ///   - line: UTF-8; white space around it is left away.
  ///   - limit: Most tokens of a part, at least 1.
  ///   - special: What names of special tokens in the line are.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  init(
    _ line: some Collection<UInt8>, tokenizer: any Tokenizer, limit: Int,
    special: SpecialTokens = .token
  ) throws {
    var parts: [[Int32]] = []
    var rest = Self.trimmed(Array(line))
    while !rest.isEmpty {
      let tokens = try tokenizer.encode(rest, special: special)
      guard tokens.count > limit else {
        parts.append(tokens)
        break
      }
      let count = Self.partLength(of: tokens, in: tokenizer.vocabulary, limit: limit)
      parts.append(Array(tokens[..<count]))
      rest = Self.trimmed(tokenizer.decodeBytes(tokens[count...]))
    }
    self.parts = parts
  }

  /// How many of the tokens make the first part: up to the last end of a sentence that leaves a part of
  /// at least half the limit, else up to the last space, else as many as there may be.
  private static func partLength(
    of tokens: [Int32], in vocabulary: Vocabulary, limit: Int
  ) -> Int {
    let spaces = (1...limit).reversed().filter { isSpace(vocabulary.bytes(of: tokens[$0]).first) }
    let sentence = spaces.first {
      $0 >= limit / 2 && endsSentence(vocabulary.bytes(of: tokens[$0 - 1]).last)
    }
    return sentence ?? spaces.first ?? limit
  }

  private static func endsSentence(_ byte: UInt8?) -> Bool {
    byte.map(".!?;:".utf8.contains) ?? false
  }

  private static func isSpace(_ byte: UInt8?) -> Bool {
    byte.map { $0 == 0x20 || 0x09...0x0D ~= $0 } ?? false
  }

  private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    guard let first = bytes.firstIndex(where: { !isSpace($0) }),
      let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return [] }
    return Array(bytes[first...last])
  }
}
