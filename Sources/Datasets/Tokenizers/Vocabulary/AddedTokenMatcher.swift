/// Finds a tokenizer's added tokens in texts, as Hugging Face's `tokenizers` does: from left to right,
/// of those that begin at one place the longest; first the tokens that are not normalised, then, in
/// the text between them, the others.
///
/// Tokens that a task added (`Vocabulary.textCount`) are not looked for: they stand for what is hidden.
public struct AddedTokenMatcher: Sendable {
  /// What a text is made of, as ranges of its bytes.
  enum Part: Equatable {
    /// Text in which there is no added token; not empty.
    case text(Range<Int>)
    /// An added token, and what it takes of the text.
    case token(Int32, Range<Int>)
  }

  /// Tokens that are not normalised, then those that are.
  private let passes: [AddedTokenPass]

  init(_ vocabulary: Vocabulary) {
    let tokens = vocabulary.added.filter { $0.key < vocabulary.textCount }
    passes = [false, true].map { isNormalized in
      AddedTokenPass(tokens.filter { $0.value.isNormalized == isNormalized })
    }.filter { !$0.isEmpty }
  }

  /// Whether there are none, so that any text is one part.
  var isEmpty: Bool { passes.isEmpty }

  /// Calls `body` with all parts of a text, in order.
  ///
  /// - Parameter special: What special tokens are; tokens that are not special are always found.
  func forEachPart<Failure: Error>(
    of text: UnsafeRawBufferPointer, special: SpecialTokens,
    _ body: (Part) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachPart(of: text, in: 0..<text.count, special: special, passes: passes[...], body)
  }

  private func forEachPart<Failure: Error>(
    of text: UnsafeRawBufferPointer, in range: Range<Int>, special: SpecialTokens,
    passes: ArraySlice<AddedTokenPass>, _ body: (Part) throws(Failure) -> Void
  ) throws(Failure) {
    guard let pass = passes.first else {
      if !range.isEmpty { try body(.text(range)) }
      return
    }
    try pass.forEachPart(of: text, in: range, special: special) { (part) throws(Failure) in
      if case .text(let rest) = part {
        try forEachPart(
          of: text, in: rest, special: special, passes: passes.dropFirst(), body)
      } else {
        try body(part)
      }
    }
  }
}

/// Added tokens that are looked for together.
private struct AddedTokenPass: Sendable {
  private let tokens: [Int32: AddedToken]
  private let trie: ByteTrie

  init(_ tokens: [Int32: AddedToken]) {
    self.tokens = tokens
    trie = ByteTrie(tokens.mapValues { Array($0.content.utf8) })
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// As of ``AddedTokenMatcher``, in a range of the text beyond which nothing is looked at.
  func forEachPart<Failure: Error>(
    of text: UnsafeRawBufferPointer, in range: Range<Int>, special: SpecialTokens,
    _ body: (AddedTokenMatcher.Part) throws(Failure) -> Void
  ) throws(Failure) {
    let surroundings = TextSurroundings(text: text, range: range)
    var start = range.lowerBound
    var position = range.lowerBound
    while let (id, match) = trie.firstMatch(in: text, position..<range.upperBound) {
      position = match.upperBound
      guard let token = tokens[id] else { continue }
      if special == .text && token.isSpecial { continue }
      if token.isSingleWord && surroundings.isPartOfWord(match) { continue }
      // White space that the token before took is not taken again.
      let lower =
        token.stripsLeft
        ? max(start, surroundings.whitespaceStart(before: match.lowerBound)) : match.lowerBound
      let upper =
        token.stripsRight
        ? surroundings.whitespaceEnd(after: match.upperBound) : match.upperBound
      if start < lower { try body(.text(start..<lower)) }
      try body(.token(id, min(lower, match.lowerBound)..<upper))
      start = upper
    }
    if start < range.upperBound { try body(.text(start..<range.upperBound)) }
  }
}

/// What stands before and behind a place in a text.
private struct TextSurroundings {
  let text: UnsafeRawBufferPointer
  /// Nothing beyond it is looked at.
  let range: Range<Int>

  /// Whether a word goes on before or behind a range.
  func isPartOfWord(_ match: Range<Int>) -> Bool {
    (scalar(before: match.lowerBound)?.scalar.isOfWord ?? false)
      || (scalar(after: match.upperBound)?.scalar.isOfWord ?? false)
  }

  func whitespaceStart(before place: Int) -> Int {
    var place = place
    while let (scalar, length) = scalar(before: place), scalar.properties.isWhitespace {
      place -= length
    }
    return place
  }

  func whitespaceEnd(after place: Int) -> Int {
    var place = place
    while let (scalar, length) = scalar(after: place), scalar.properties.isWhitespace {
      place += length
    }
    return place
  }

  /// The scalar that begins at a place, and its bytes; nil at the end and where there is none.
  private func scalar(after place: Int) -> (scalar: Unicode.Scalar, length: Int)? {
    guard place < range.upperBound, let base = text.baseAddress else { return nil }
    let (value, length) = UTF8Scalar.decode(
      (base + place).assumingMemoryBound(to: UInt8.self), available: range.upperBound - place)
    guard length > 0 else { return nil }
    return Unicode.Scalar(value).map { ($0, length) }
  }

  /// The scalar that ends at a place.
  private func scalar(before place: Int) -> (scalar: Unicode.Scalar, length: Int)? {
    for length in 1...4 where place - length >= range.lowerBound {
      if text[place - length] & 0xC0 == 0x80 { continue }
      guard let found = scalar(after: place - length), found.length == length else { return nil }
      return found
    }
    return nil
  }
}

extension Unicode.Scalar {
  /// Whether it is a letter, mark, digit or connector: `\w` (Unicode Technical Standard 18, annex C).
  fileprivate var isOfWord: Bool {
    if properties.isAlphabetic || properties.isJoinControl { return true }
    return switch properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }
}
