/// One token for each Unicode scalar that occurs in the training text, in the order of their code
/// points, and a last one for `<|endoftext|>`.
///
/// Small vocabularies for small experiments. A scalar that the training text does not have cannot be
/// encoded.
public struct CharacterTokenizer: Tokenizer {
  public let kind = TokenizerKind.characters
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher

  /// The id of each scalar up to the largest one known, or -1.
  private let ids: [Int32]

  /// - Parameter scalars: The scalars to know.
  public init(scalars: Set<Unicode.Scalar>) {
    var vocabulary = Vocabulary()
    for scalar in scalars.sorted() { vocabulary.append(String(scalar).utf8) }
    vocabulary.appendSpecial(Vocabulary.endOfTextName)
    self.init(vocabulary: vocabulary)
  }

  /// - Parameter vocabulary: Tokens of one scalar each, but for the added ones.
  init(vocabulary: Vocabulary) {
    var known: [(value: Int, id: Int32)] = []
    for id in 0..<Int32(vocabulary.count) where !vocabulary.isAdded(id) {
      let text = String(decoding: vocabulary.bytes(of: id), as: UTF8.self)
      guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
        preconditionFailure("token \(id) of a character vocabulary is not one scalar")
      }
      known.append((value: Int(scalar.value), id: id))
    }
    var ids = [Int32](repeating: -1, count: (known.map(\.value).max() ?? -1) + 1)
    for (value, id) in known { ids[value] = id }
    self.ids = ids
    self.vocabulary = vocabulary
    matcher = AddedTokenMatcher(vocabulary)
    contentHash = TokenizerHash(kind: .characters, vocabulary: vocabulary)
  }

  public func adding(special names: [String]) -> CharacterTokenizer {
    CharacterTokenizer(vocabulary: vocabulary.adding(special: names))
  }

  /// Knows the scalars of a text.
  ///
  /// - Parameter text: UTF-8.
  /// - Throws: `TokenizerError.invalidUTF8` if it is not.
  public static func trained(
    on text: UnsafeRawBufferPointer
  ) throws(TokenizerError) -> CharacterTokenizer {
    var seen = SeenScalars()
    try seen.add(text)
    return CharacterTokenizer(scalars: seen.scalars)
  }

  public func encodePlain(
    _ text: UnsafeRawBufferPointer, at place: TextPlace,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    precondition(tokens.count >= text.count, "the ids may be as many as the text's bytes")
    var tokenCount = 0
    try UTF8Scalar.forEach(in: text) { (value, offset) throws(TokenizerError) in
      let id = value < UInt32(ids.count) ? ids[Int(value)] : -1
      if id < 0, let scalar = Unicode.Scalar(value) {
        throw .unknownCharacter(scalar, offset: offset)
      }
      tokens[tokenCount] = id
      tokenCount += 1
    }
    return tokenCount
  }
}

/// The scalars that occur in texts.
struct SeenScalars {
  private var isSeen = [Bool](repeating: false, count: 0x110000)

  /// - Throws: `TokenizerError.invalidUTF8` if the text is not UTF-8.
  mutating func add(_ text: UnsafeRawBufferPointer) throws(TokenizerError) {
    var isSeen = exchange(&self.isSeen, with: [])
    defer { self.isSeen = isSeen }
    try UTF8Scalar.forEach(in: text) { (value, _) throws(TokenizerError) in
      isSeen[Int(value)] = true
    }
  }

  var scalars: Set<Unicode.Scalar> {
    Set(isSeen.indices.filter { isSeen[$0] }.compactMap { Unicode.Scalar(UInt32($0)) })
  }
}
