/// Finds a tokenizer's added tokens in texts, as Hugging Face's `tokenizers` does: from left to right,
/// of those that begin at one place the longest; first the tokens that are not normalised, then, in
/// the text between them, the others.
///
/// Of tokens that are the same after normalisation the special ones come first, then those of the smaller id;
/// `tokenizers` takes any of them, now this one and now that. Tokens that a task added
/// (`Vocabulary.textCount`) are not looked for: they stand for what is hidden.
public struct AddedTokenMatcher: Sendable {
  /// What a text is made of, as ranges of its bytes.
  enum Part: Equatable {
    /// Text in which there is no added token; not empty.
    case text(Range<Int>)
    /// An added token, and what it takes of the text.
    case token(Int32, Range<Int>)
  }

  /// What is looked for in a text as it stands: tokens that are not normalised, then those that are, if
  /// normalisation changes nothing.
  private let passes: [AddedTokenPass]
  /// What is looked for in a text that was normalised.
  private let normalizedPasses: [AddedTokenPass]
  /// Whether a text can be cut before a space without a token's losing what it takes.
  private let allowsCuts: Bool

  init(_ vocabulary: Vocabulary, normalizer: TextNormalizer = TextNormalizer()) {
    let tokens = vocabulary.added.filter { $0.key < vocabulary.textCount }
    let raw = AddedTokenPass(tokens.filter { !$0.value.isNormalized }) { Array($0.utf8) }
    let later = AddedTokenPass(tokens.filter { $0.value.isNormalized }) { content in
      Array(content.utf8).withUnsafeBytes { normalizer.normalized($0, at: .start) }
        ?? Array(content.utf8)
    }
    let all = [raw, later].filter { !$0.isEmpty }
    passes = normalizer.isEmpty ? all : [raw].filter { !$0.isEmpty }
    normalizedPasses = normalizer.isEmpty ? [] : [later].filter { !$0.isEmpty }
    // Of the others a text is free before it is cut.
    allowsCuts = normalizer.isEmpty || normalizer.allowsCuts && !later.takesWhitespace
  }

  /// Where a text between added tokens may be cut, of the places where the tokenizer allows it.
  func places(of places: CuttingPlaces) -> CuttingPlaces { allowsCuts ? places : [] }

  /// Calls `body` with all parts of a text, in order. Tokens that are looked for after normalisation are
  /// not found yet, where that changes texts.
  ///
  /// - Parameter special: What special tokens are; tokens that are not special are always found.
  func forEachPart<Failure: Error>(
    of text: UnsafeRawBufferPointer, special: SpecialTokens,
    _ body: (Part) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachPart(of: text, in: 0..<text.count, special: special, passes: passes[...], body)
  }

  /// As ``forEachPart(of:special:_:)``, of a text that was normalised.
  func forEachPart<Failure: Error>(
    ofNormalized text: UnsafeRawBufferPointer, special: SpecialTokens,
    _ body: (Part) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachPart(
      of: text, in: 0..<text.count, special: special, passes: normalizedPasses[...], body)
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
  /// Whether one of them has white space in it, or takes that behind it.
  let takesWhitespace: Bool

  /// - Parameter bytes: What is looked for, of a token's content; tokens of no bytes are never found.
  init(_ tokens: [Int32: AddedToken], bytes: (String) -> [UInt8]) {
    let sought = tokens.map { (number: $0.key, bytes: bytes($0.value.content)) }
      .filter { !$0.bytes.isEmpty }
    func isSpecial(_ id: Int32) -> Bool { tokens[id]?.isSpecial ?? false }
    let inOrder = sought.sorted {
      isSpecial($0.number) != isSpecial($1.number)
        ? isSpecial($0.number) : $0.number < $1.number
    }
    let numbers = Set(sought.map(\.number))
    self.tokens = tokens.filter { numbers.contains($0.key) }
    trie = ByteTrie(inOrder)
    takesWhitespace =
      self.tokens.values.contains(where: \.stripsRight)
      || sought.contains {
        String(decoding: $0.bytes, as: UTF8.self).unicodeScalars.contains(
          where: \.properties.isWhitespace)
      }
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
      // White space that the token before took is not taken again; what would have nothing else is not there.
      let lower =
        token.stripsLeft
        ? max(start, surroundings.whitespaceStart(before: match.lowerBound)) : match.lowerBound
      let upper =
        token.stripsRight
        ? surroundings.whitespaceEnd(after: match.upperBound) : match.upperBound
      guard lower < upper else { continue }
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
