/// How a word becomes tokens; the same for equal words.
protocol WordTokens {
  /// Writes a word's tokens and returns their number.
  ///
  /// - Parameters:
  ///   - word: The word's bytes.
  ///   - count: Their number, at least one.
  ///   - tokens: Where the ids go; room for `count`.
  mutating func write(
    _ word: UnsafePointer<UInt8>, count: Int, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int

  /// The one token of a word of one byte, where that is known without looking further.
  func token(ofByte byte: UInt8) -> Int32?
}

/// Encodes texts word after word: a word met before gets the ids it got then.
struct WordEncoder<Cutter: WordCutter, Words: WordTokens> {
  let cutter: Cutter
  let words: Words

  /// - Parameter tokens: Where the ids go; room for one for each byte.
  /// - Returns: The number of ids written.
  @inline(__always)
  func encode(
    _ text: UnsafeBufferPointer<UInt8>, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var memory = WordMemory(textCount: text.count)
    var words = words
    var tokenCount = 0
    var start = 0
    while start < text.count {
      let end = cutter.endOfWord(from: start)
      let length = end - start
      if length == 1, let token = words.token(ofByte: base[start]) {
        tokens[tokenCount] = token
        tokenCount += 1
      } else if length > WordMemory.longestWord {
        tokenCount += words.write(base + start, count: length, into: tokens + tokenCount)
      } else {
        let slot = memory.slot(ofWordAt: start, count: length, in: text)
        if let known = memory.recall(slot, wordAt: start, count: length, in: text) {
          for index in 0..<known.count { tokens[tokenCount + index] = tokens[known.start + index] }
          tokenCount += known.count
        } else {
          let count = words.write(base + start, count: length, into: tokens + tokenCount)
          memory.remember(
            slot, wordAt: start, count: length, tokensAt: tokenCount, tokenCount: count)
          tokenCount += count
        }
      }
      start = end
    }
    return tokenCount
  }
}
