/// Words, cut into the longest pieces of the vocabulary from the left: WordPiece, as in BERT.
///
/// A text is cleaned (``BERTNormalization``), cut at white space, and before and behind each punctuation
/// character. A word that can not be made of pieces, or is too long, is one unknown token. So capitals,
/// white space and what is unknown are lost: decoding gives words with a space between them.
///
/// Source: Wu et al., "Google's neural machine translation system", 2016; Devlin et al., "BERT", 2018.
public struct WordPieceTokenizer: Tokenizer {
  /// What tells two tokenizers of the same vocabulary apart.
  struct Form: Sendable, Equatable {
    /// What stands for a word that can not be said.
    var unknown: Int32
    /// What pieces begin with that go on with a word.
    var prefix = "##"
    /// The most characters of a word that is looked for.
    var longestWord = 100
    /// How text is changed.
    var normalizer = TextNormalizer([.bert(BERTNormalization())])
    /// Whether decoding puts punctuation close to the word before.
    var joinsPunctuation = true
  }

  public let kind = TokenizerKind.wordPiece
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher
  public let template: TextTemplate
  let form: Form

  /// The tokens that a word may begin with, and those that may go on with one, without the prefix.
  let beginnings: ByteTrie
  let continuations: ByteTrie
  let scalars = BERTScalars()

  /// - Parameters:
  ///   - vocabulary: All tokens, as they are written.
  ///   - form: Whose unknown token is in the vocabulary.
  init(vocabulary: Vocabulary, form: Form, template: TextTemplate) {
    precondition(vocabulary.contains(form.unknown))
    self.vocabulary = vocabulary
    self.form = form
    self.template = template
    matcher = AddedTokenMatcher(vocabulary, normalizer: form.normalizer)
    var words: [(number: Int32, bytes: [UInt8])] = []
    var pieces: [(number: Int32, bytes: [UInt8])] = []
    let prefix = Array(form.prefix.utf8)
    for token in vocabulary.modelTokens {
      let bytes = vocabulary.bytes(of: token)
      words.append((token, Array(bytes)))
      if bytes.count > prefix.count, bytes.starts(with: prefix) {
        pieces.append((token, Array(bytes.dropFirst(prefix.count))))
      }
    }
    beginnings = ByteTrie(words)
    continuations = ByteTrie(pieces)
    contentHash = TokenizerHash(
      kind: .wordPiece, vocabulary: vocabulary,
      rules: [form.unknown] + form.rules
        + vocabulary.outsideModel.sorted())
  }

  public var normalizer: TextNormalizer { form.normalizer }
  public var decoding: TokenDecoding {
    .words(prefix: form.prefix, joinsPunctuation: form.joinsPunctuation)
  }
  public var keepsText: Bool { false }
  public var places: CuttingPlaces { matcher.places(of: [.spaces, .lineFeeds]) }

  public func adding(special names: [String]) -> WordPieceTokenizer {
    WordPieceTokenizer(
      vocabulary: vocabulary.adding(special: names), form: form, template: template)
  }
}

extension WordPieceTokenizer.Form {
  fileprivate var rules: [Int32] {
    "\(prefix) \(longestWord) \(normalizer.json)".utf8.map(Int32.init)
  }
}
