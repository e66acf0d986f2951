extension SentencePieceTokenizer {
  /// "▁", which is a space.
  static let space: [UInt8] = Array("\u{2581}".utf8)

  public func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    precondition(tokens.count > text.count, "the ids may be one more than the text's bytes")
    guard text.count > 0 else { return 0 }
    guard case .cutting(let prefix, _) = form.spaces else { return encode(text, into: tokens) }
    return spaced(text, prefix: prefix, at: place).withUnsafeBytes { encode($0, into: tokens) }
  }

  /// A text with "▁" in place of spaces, and before it.
  private func spaced(
    _ text: UnsafeRawBufferPointer, prefix: Prefix, at place: TextPlace
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count + text.count / 2 + 3)
    for byte in text {
      if byte == UInt8(ascii: " ") {
        result.append(contentsOf: Self.space)
      } else {
        result.append(byte)
      }
    }
    let isWanted =
      switch prefix {
      case .always: place != .continued
      case .first: place == .start
      case .never: false
      }
    return isWanted && !result.starts(with: Self.space) ? Self.space + result : result
  }

  /// - Parameter text: With "▁" for spaces. Each makes one token at most, so that there is room.
  private func encode(
    _ text: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    guard let ids = tokens.baseAddress else { return 0 }
    return text.withMemoryRebound(to: UInt8.self) { bytes in
      scalarTokens.withUnsafeBufferPointer { scalarTokens in
        let encoder = WordEncoder(
          cutter: SpaceScanner(text: bytes, borders: borders),
          words: ScalarWords(
            tokenizer: self, scalarTokens: scalarTokens, merger: WordMerger(ranks: ranks)))
        return encoder.encode(bytes, into: ids)
      }
    }
  }
}

/// The tokens of words of characters.
private struct ScalarWords: WordTokens {
  let tokenizer: SentencePieceTokenizer
  let scalarTokens: UnsafeBufferPointer<Int32>
  var merger: WordMerger

  func token(ofByte byte: UInt8) -> Int32? { nil }

  mutating func write(
    _ word: UnsafePointer<UInt8>, count: Int, into tokens: UnsafeMutablePointer<Int32>
  ) -> Int {
    if let whole = wholeToken(UnsafeBufferPointer(start: word, count: count)) {
      tokens[0] = whole
      return 1
    }
    var position = 0
    var written = 0
    while position < count {
      let (value, length) = UTF8Scalar.decode(word + position, available: count - position)
      // "▁" is a space in the vocabulary.
      let scalar = value == 0x2581 ? 0x20 : Int(value)
      let token = length > 0 && scalar < scalarTokens.count ? scalarTokens[scalar] : -1
      if token >= 0 {
        tokens[written] = token
        written += 1
        position += length
        continue
      }
      for _ in 0..<max(1, length) {
        tokens[written] = tokenizer.byteTokens[Int(word[position])]
        written += 1
        position += 1
      }
    }
    return merger.merge(tokens, count: written)
  }

  /// The token that a word is, whatever the merges say.
  private func wholeToken(_ word: UnsafeBufferPointer<UInt8>) -> Int32? {
    guard let whole = tokenizer.wholeWords else { return nil }
    var text: [UInt8] = []
    var rest = Slice(base: word, bounds: word.indices)
    while let byte = rest.first {
      let isSpace = rest.starts(with: SentencePieceTokenizer.space)
      text.append(isSpace ? UInt8(ascii: " ") : byte)
      rest = rest.dropFirst(isSpace ? 3 : 1)
    }
    return text.withUnsafeBufferPointer { whole.token(of: $0, in: tokenizer.vocabulary) }
  }
}
