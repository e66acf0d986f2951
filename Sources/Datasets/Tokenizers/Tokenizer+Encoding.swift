extension Tokenizer {
  /// Encodes text, without what a model's template puts around it (``encodeInput(_:special:)``).
  ///
  /// - Parameter special: What names of special tokens in the text are. Default: these tokens.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encode(
    _ text: String, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    try encode(text, at: .start, special: special)
  }

  /// Encodes bytes, which need not be valid UTF-8.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(
    _ bytes: [UInt8], special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(TokenizerError) in try encode(buffer, special: special) }
    }
    return try result.get()
  }

  /// Encodes the bytes of a buffer.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encode(
    _ text: UnsafeRawBufferPointer, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    try encode(text, at: .start, special: special)
  }

  /// Encodes a text in which `[MASK]` stands for hidden tokens. A token usually begins with the space
  /// before it, so the space before a mask is the hidden token's.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodeMasked(
    _ text: String, mask: Int32, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    let parts = text.utf8.split(
      separator: Vocabulary.maskName.utf8, omittingEmptySubsequences: false)
    var tokens: [Int32] = []
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      let hidesSpace = !isLast && part.last == UInt8(ascii: " ")
      tokens += try encode(
        String(decoding: hidesSpace ? part.dropLast() : part, as: UTF8.self),
        at: index == 0 ? .start : .afterToken, special: special)
      if !isLast { tokens.append(mask) }
    }
    return tokens
  }

  private func encode(
    _ text: String, at place: TextPlace, special: SpecialTokens
  ) throws(TokenizerError) -> [Int32] {
    var text = text
    // A native string's bytes are contiguous; withUTF8 makes any other one so.
    let result = text.withUTF8 { bytes in
      Result { () throws(TokenizerError) in
        try encode(UnsafeRawBufferPointer(bytes), at: place, special: special)
      }
    }
    return try result.get()
  }

  private func encode(
    _ text: UnsafeRawBufferPointer, at place: TextPlace, special: SpecialTokens
  ) throws(TokenizerError) -> [Int32] {
    var tokens: [Int32] = []
    try matcher.forEachPart(of: text, special: special) { (part) throws(TokenizerError) in
      switch part {
      case .token(let id, _): tokens.append(id)
      case .text(let range):
        let piece = try encode(
          part: UnsafeRawBufferPointer(rebasing: text[range]),
          at: range.lowerBound == 0 ? place : .afterToken, special: special,
          offset: range.lowerBound)
        // Most texts are one part.
        if tokens.isEmpty { tokens = piece } else { tokens += piece }
      }
    }
    return tokens
  }

  /// Encodes a text between added tokens that were found in the text as it stood.
  ///
  /// - Parameters:
  ///   - place: Where it stands.
  ///   - special: What special tokens are that are found after normalisation.
  ///   - offset: Bytes of the whole text before it, for errors.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  func encode(
    part text: UnsafeRawBufferPointer, at place: TextPlace, special: SpecialTokens, offset: Int = 0
  ) throws(TokenizerError) -> [Int32] {
    guard let normalized = normalizer.normalized(text, at: place) else {
      return try encode(normalized: text, at: place, special: special, offset: offset)
    }
    let result = normalized.withUnsafeBytes { text in
      Result { () throws(TokenizerError) in
        try encode(normalized: text, at: place, special: special, offset: offset)
      }
    }
    return try result.get()
  }

  private func encode(
    normalized text: UnsafeRawBufferPointer, at place: TextPlace, special: SpecialTokens,
    offset: Int
  ) throws(TokenizerError) -> [Int32] {
    var tokens: [Int32] = []
    try matcher.forEachPart(ofNormalized: text, special: special) { (part) throws(TokenizerError) in
      switch part {
      case .token(let id, _): tokens.append(id)
      case .text(let range):
        do throws(TokenizerError) {
          let piece = try encodePlain(
            UnsafeRawBufferPointer(rebasing: text[range]),
            at: range.lowerBound == 0 ? place : .afterToken)
          if tokens.isEmpty { tokens = piece } else { tokens += piece }
        } catch {
          throw error.shifted(by: offset + range.lowerBound)
        }
      }
    }
    return tokens
  }

  /// As ``encodePlain(_:at:into:)``, into an array.
  private func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace
  ) throws(TokenizerError) -> [Int32] {
    var failure: TokenizerError?
    let tokens = [Int32](unsafeUninitializedCapacity: text.count + 1) { buffer, count in
      do throws(TokenizerError) {
        count = try encodePlain(text, at: place, into: buffer)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return tokens
  }
}
