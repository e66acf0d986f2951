/// Byte-pair encoding of characters, with spaces as "▁" and bytes where there is no character: the form in
/// which `tokenizers` has SentencePiece's encodings, as of Llama 2, TinyLlama and Mistral.
///
/// The characters of a text are the first tokens, and the three or so bytes of a character that the
/// vocabulary has not. Then merges work as in ``BytePairEncoding``, across all of the text: words have no
/// borders, but most vocabularies have no token with "▁" behind something else, so that a text can be cut
/// there all the same.
///
/// Source: Kudo and Richardson, "SentencePiece: a simple and language independent subword tokenizer and
/// detokenizer for neural text processing", 2018.
public struct SentencePieceTokenizer: Tokenizer {
  /// What tells two encodings of the same tokens and merges apart.
  struct Form: Sendable, Equatable {
    /// What makes "▁" of spaces and puts one before a text.
    var spaces = Spaces.normalizer
    /// How text is changed; with ``Spaces/normalizer`` it makes "▁" of spaces.
    var normalizer = TextNormalizer()
    /// Whether a text of tokens loses the space that it begins with.
    var dropsFirstSpace = true
    /// Whether a word that is a token is that token, whatever the merges say.
    var ignoresMerges = false
    /// The token for what can not be expressed, which with all bytes is never met.
    var unknownName: String?
    var fusesUnknown = true
  }

  /// What makes "▁" of spaces.
  enum Spaces: Sendable, Equatable {
    /// The normaliser.
    case normalizer
    /// Cutting does; `parts`: into parts that begin with "▁".
    case cutting(prefix: Prefix, parts: Bool)
  }

  /// Before which texts a "▁" is put that do not begin with one.
  enum Prefix: String, Sendable {
    case always
    /// Not behind an added token.
    case first
    case never
  }

  public let kind = TokenizerKind.sentencePiece
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher
  public let template: TextTemplate
  /// The rules, the most preferred one first.
  public let merges: [BytePairEncoding.Merge]
  let form: Form

  /// The id of the token that stands for each byte, [256].
  let byteTokens: [Int32]
  /// The token of each scalar up to the largest one known, or -1.
  let scalarTokens: [Int32]
  let ranks: PairTable
  /// Where words end.
  let borders: SpaceScanner.Borders
  /// The words that are a token without regard to merges.
  let wholeWords: TokenTable?

  /// - Parameters:
  ///   - vocabulary: All tokens, with spaces for "▁".
  ///   - byteTokens: The id of each byte's token, [256].
  ///   - merges: The rules, the most preferred one first.
  init(
    vocabulary: Vocabulary, byteTokens: [Int32], merges: [BytePairEncoding.Merge], form: Form,
    template: TextTemplate
  ) {
    precondition(byteTokens.count == 256)
    self.vocabulary = vocabulary
    self.byteTokens = byteTokens
    self.merges = merges
    self.form = form
    self.template = template
    matcher = AddedTokenMatcher(vocabulary, normalizer: form.normalizer)
    ranks = PairTable(merges)
    let isByte = Set(byteTokens)
    let texts = vocabulary.modelTokens.filter { !isByte.contains($0) }
    scalarTokens = Self.scalarTokens(texts, of: vocabulary)
    wholeWords = form.ignoresMerges ? TokenTable(texts, of: vocabulary) : nil
    borders = Self.borders(form, merges, vocabulary)
    contentHash = TokenizerHash(
      kind: .sentencePiece, vocabulary: vocabulary,
      rules: byteTokens + merges.flatMap { [$0.left, $0.right, $0.result] } + form.rules
        + vocabulary.outsideModel.sorted())
  }

  public var normalizer: TextNormalizer { form.normalizer }
  public var decoding: TokenDecoding { form.dropsFirstSpace ? .withoutFirstSpace : .bytes }
  /// A space may be "▁" in the text, and the first one none of it.
  public var keepsText: Bool { false }
  public var places: CuttingPlaces { matcher.places(of: borders == .none ? [] : .spaces) }

  public func adding(special names: [String]) -> SentencePieceTokenizer {
    SentencePieceTokenizer(
      vocabulary: vocabulary.adding(special: names), byteTokens: byteTokens, merges: merges,
      form: form, template: template)
  }

  private static func scalarTokens(_ tokens: [Int32], of vocabulary: Vocabulary) -> [Int32] {
    var found: [Int32] = []
    for token in tokens {
      let bytes = vocabulary.bytes(of: token)
      guard bytes.count <= 4, let text = String(validating: bytes, as: UTF8.self),
        let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
      else { continue }
      let value = Int(scalar.value)
      if found.count <= value {
        found += Array(repeating: -1, count: value + 1 - found.count)
      }
      found[value] = token
    }
    return found
  }

  private static func borders(
    _ form: Form, _ merges: [BytePairEncoding.Merge], _ vocabulary: Vocabulary
  ) -> SpaceScanner.Borders {
    if case .cutting(_, parts: true) = form.spaces { return .everySpace }
    let space = UInt8(ascii: " ")
    let joinsWords = merges.contains { merge in
      vocabulary.bytes(of: merge.left).last != space
        && vocabulary.bytes(of: merge.right).first == space
    }
    // A word that is taken whole could be more than one of these.
    return joinsWords || form.ignoresMerges ? .none : .spaceAfterText
  }
}

extension SentencePieceTokenizer.Form {
  fileprivate var rules: [Int32] {
    "\(spaces) \(normalizer.json) \(dropsFirstSpace) \(ignoresMerges)".utf8.map(Int32.init)
  }
}
