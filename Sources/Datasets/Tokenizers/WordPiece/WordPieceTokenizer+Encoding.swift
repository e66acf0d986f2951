extension WordPieceTokenizer {
  public func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    precondition(tokens.count >= text.count, "the ids may be as many as the text's bytes")
    guard text.count > 0, let ids = tokens.baseAddress else { return 0 }
    return text.withMemoryRebound(to: UInt8.self) { bytes in
      let encoder = WordEncoder(
        cutter: BERTScanner(text: bytes, scalars: scalars), words: WordPieces(tokenizer: self))
      return encoder.encode(bytes, into: ids)
    }
  }
}

/// The pieces of words.
private struct WordPieces: WordTokens {
  let tokenizer: WordPieceTokenizer

  func token(ofByte byte: UInt8) -> Int32? { nil }

  func write(
    _ word: UnsafePointer<UInt8>, count: Int, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int {
    if BERTScanner.isSpace(word, count: count) { return 0 }
    let form = tokenizer.form
    let text = UnsafeRawBufferPointer(start: word, count: count)
    let characterCount = text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    guard characterCount <= form.longestWord else {
      tokens[0] = form.unknown
      return 1
    }
    var position = 0
    var written = 0
    while position < count {
      let trie = position == 0 ? tokenizer.beginnings : tokenizer.continuations
      guard let (token, range) = trie.longestMatch(in: text, position..<count) else {
        tokens[0] = form.unknown
        return 1
      }
      tokens[written] = token
      written += 1
      position = range.upperBound
    }
    return written
  }
}
