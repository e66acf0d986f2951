extension BytePairEncoding {
  public func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    guard text.count > 0 else { return 0 }
    if lacksBytes, let offset = text.firstIndex(where: { byteTokens[Int($0)] < 0 }) {
      throw .unknownByte(text[offset], offset: offset)
    }
    if form.addsPrefixSpace, place != .continued, text[0] != UInt8(ascii: " ") {
      precondition(tokens.count > text.count, "the ids may be one more than the text's bytes")
      return ([UInt8(ascii: " ")] + text).withUnsafeBytes { encode($0, into: tokens) }
    }
    return encode(text, into: tokens)
  }

  /// Encodes text as it stands.
  private func encode(
    _ text: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    precondition(tokens.count >= text.count, "the ids may be as many as the text's bytes")
    guard let ids = tokens.baseAddress else { return 0 }
    return classes.table.withUnsafeBufferPointer { classes in
      byteTokens.withUnsafeBufferPointer { byteTokens in
        text.withMemoryRebound(to: UInt8.self) { bytes in
          encode(bytes, classes: classes, byteTokens: byteTokens, into: ids)
        }
      }
    }
  }

  private func encode(
    _ text: UnsafeBufferPointer<UInt8>, classes: UnsafeBufferPointer<ScalarClass>,
    byteTokens: UnsafeBufferPointer<Int32>, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int {
    let words = ByteWords(
      byteTokens: byteTokens, wholeWords: wholeWords, vocabulary: vocabulary,
      merger: WordMerger(ranks: ranks))
    func encode(_ cutter: some WordCutter) -> Int {
      WordEncoder(cutter: cutter, words: words).encode(text, into: tokens)
    }
    return switch form.pattern {
    case .gpt2: encode(WordScanner(text: text, classes: classes))
    case .digits: encode(DigitScanner(text: text, classes: classes))
    case .llama3: encode(LetterScanner(text: text, classes: classes, mostDigits: 3))
    case .qwen2: encode(LetterScanner(text: text, classes: classes, mostDigits: 1))
    }
  }
}

/// The tokens of a byte-level encoding's words.
private struct ByteWords: WordTokens {
  let byteTokens: UnsafeBufferPointer<Int32>
  /// Words that are a token without regard to merges; nil: none is.
  let wholeWords: TokenTable?
  let vocabulary: Vocabulary
  var merger: WordMerger

  @inline(__always)
  func token(ofByte byte: UInt8) -> Int32? { byteTokens[Int(byte)] }

  @inline(__always)
  mutating func write(
    _ word: UnsafePointer<UInt8>, count: Int, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int {
    if let wholeWords {
      let bytes = UnsafeBufferPointer(start: word, count: count)
      if let token = wholeWords.token(of: bytes, in: vocabulary) {
        tokens[0] = token
        return 1
      }
    }
    for index in 0..<count { tokens[index] = byteTokens[Int(word[index])] }
    return merger.merge(tokens, count: count)
  }
}
