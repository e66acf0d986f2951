extension GGUFVocabulary {
  /// A tokenizer's metadata.
  ///
  /// - Throws: `TokenizerError.unsupported` where a GGUF file can not say what the tokenizer does: what reads
  ///   it would encode otherwise.
  public init(of tokenizer: any Tokenizer) throws(TokenizerError) {
    switch tokenizer {
    case let tokenizer as BytePairEncoding: try self.init(bytes: tokenizer)
    case let tokenizer as ByteTokenizer: self.init(plain: tokenizer)
    case let tokenizer as SentencePieceTokenizer: try self.init(pieces: tokenizer)
    case let tokenizer as WordPieceTokenizer: try self.init(words: tokenizer)
    default:
      throw Self.unwritable("model", "of \(tokenizer.kind.rawValue)", expected: "another tokenizer")
    }
    try setEnds(tokenizer)
    // What was written is read back: nothing may be lost on the way.
    let again = try self.tokenizer(path: "GGUF")
    if let difference = Self.difference(tokenizer, again) {
      throw Self.unwritable("model", difference, expected: "what the format has words for")
    }
  }

  private static func unwritable(
    _ key: String, _ found: String, expected: String
  ) -> TokenizerError {
    unsupported(key, found, expected: expected, path: "a GGUF file of this tokenizer")
  }

  /// How two tokenizers differ in what they do with texts.
  private static func difference(
    _ tokenizer: any Tokenizer, _ again: any Tokenizer
  ) -> String? {
    if tokenizer.template.single != again.template.single {
      return "of a template that it can not say"
    }
    let flagged = tokenizer.vocabulary.added.values.first { token in
      token.isSingleWord || token.stripsLeft || token.stripsRight
        || (token.isNormalized && !tokenizer.normalizer.isEmpty)
    }
    if let flagged { return "with '\(flagged.content)' and its flags" }
    if tokenizer.kind == .bytes { return nil }
    if tokenizer.normalizer != again.normalizer, !hasFormatSpaces(tokenizer) {
      return "with a normalizer that it can not say"
    }
    if let tokenizer = tokenizer as? SentencePieceTokenizer,
      let again = again as? SentencePieceTokenizer, tokenizer.merges != again.merges
    {
      return "with merges that are not those of scores"
    }
    return nil
  }

  /// Whether a space is put before a text by cutting it, which such files have no word of their own for:
  /// what reads them puts one before every text that does not follow another.
  private static func hasFormatSpaces(_ tokenizer: any Tokenizer) -> Bool {
    guard let tokenizer = tokenizer as? SentencePieceTokenizer, tokenizer.normalizer.isEmpty,
      case .cutting(let prefix, parts: false) = tokenizer.form.spaces
    else { return false }
    return (prefix == .never) == !tokenizer.form.dropsFirstSpace
  }

  private static func kinds(
    _ vocabulary: Vocabulary, unknown: Int32?, bytes: Set<Int32> = []
  ) -> [Int] {
    (0..<Int32(vocabulary.count)).map { id in
      let kind: Kind =
        bytes.contains(id)
        ? .byte
        : id == unknown
          ? .unknown
          : vocabulary.isSpecial(id)
            ? .control : vocabulary.isAdded(id) ? .userDefined : .normal
      return kind.rawValue
    }
  }

  /// The tokens around inputs.
  private mutating func setEnds(_ tokenizer: any Tokenizer) throws(TokenizerError) {
    let (vocabulary, template) = (tokenizer.vocabulary, tokenizer.template)
    let (prefix, suffix) = (template.prefix, template.suffix)
    guard prefix.count < 2, suffix.count < 2 else {
      throw Self.unwritable(
        "add_bos_token", "more than one token before or behind a text", expected: "one at most")
    }
    addsBeginOfText = !prefix.isEmpty
    endOfText = vocabulary.endOfText
    if tokenizer.kind == .wordPiece {
      (classification, beginOfText) = (prefix.first, prefix.first)
      (separator, addsSeparator) = (suffix.first ?? vocabulary.endOfText, !suffix.isEmpty)
    } else {
      beginOfText = prefix.first ?? vocabulary.endOfText
      addsEndOfText = !suffix.isEmpty
      if let last = suffix.first { endOfText = last }
    }
    mask = vocabulary.mask
    padding = ["[PAD]", "<pad>", "<|padding|>"].lazy.compactMap(vocabulary.id(ofSpecial:)).first
  }

  private init(plain tokenizer: ByteTokenizer) {
    let alphabet = ByteAlphabet()
    let vocabulary = tokenizer.vocabulary
    self.init(
      model: "gpt2", preTokenizer: SplitPattern.gpt2.ggufNames[0],
      tokens: (0..<Int32(vocabulary.count)).map { id in
        vocabulary.isAdded(id)
          ? Array(vocabulary.bytes(of: id))
          : Array(alphabet.text(of: vocabulary.bytes(of: id)).utf8)
      })
    kinds = Self.kinds(vocabulary, unknown: nil)
  }

  private init(bytes tokenizer: BytePairEncoding) throws(TokenizerError) {
    let (alphabet, vocabulary, form) = (ByteAlphabet(), tokenizer.vocabulary, tokenizer.form)
    guard form.ignoresMerges == (form.pattern == .llama3), !form.addsPrefixSpace else {
      throw Self.unwritable(
        "pre", "of \(form.pattern) with other merges or a space before texts",
        expected: "what llama.cpp has a name for")
    }
    func name(of id: Int32) -> [UInt8] { Array(alphabet.text(of: vocabulary.bytes(of: id)).utf8) }
    self.init(
      model: "gpt2", preTokenizer: form.pattern.ggufNames[0],
      tokens: (0..<Int32(vocabulary.count)).map { id in
        vocabulary.isAdded(id) ? Array(vocabulary.bytes(of: id)) : name(of: id)
      })
    kinds = Self.kinds(vocabulary, unknown: nil)
    merges = tokenizer.merges.map { name(of: $0.left) + [UInt8(ascii: " ")] + name(of: $0.right) }
  }

  private init(pieces tokenizer: SentencePieceTokenizer) throws(TokenizerError) {
    let vocabulary = tokenizer.vocabulary
    self.init(
      model: "llama", preTokenizer: "default",
      tokens: (0..<Int32(vocabulary.count)).map { id in
        vocabulary.isAdded(id)
          ? Array(vocabulary.bytes(of: id)) : Array(tokenizer.written(id).utf8)
      })
    unknown = tokenizer.form.unknownName.flatMap(vocabulary.id(ofSpecial:))
    kinds = Self.kinds(vocabulary, unknown: unknown, bytes: Set(tokenizer.byteTokens))
    // The sooner a token is merged, the greater its score; those that none makes come last.
    var ranks: [Int32: Int] = [:]
    for (rank, merge) in tokenizer.merges.enumerated() where ranks[merge.result] == nil {
      ranks[merge.result] = rank
    }
    let last = tokenizer.merges.count
    scores = (0..<Int32(vocabulary.count)).map { id in
      vocabulary.isAdded(id) ? 0 : -Float(ranks[id] ?? last)
    }
    addsSpacePrefix = tokenizer.form.dropsFirstSpace
  }

  private init(words tokenizer: WordPieceTokenizer) throws(TokenizerError) {
    let (vocabulary, form) = (tokenizer.vocabulary, tokenizer.form)
    guard form.prefix == "##", form.longestWord >= 100,
      case .bert(let cleaning)? = form.normalizer.steps.first, form.normalizer.steps.count == 1
    else {
      throw Self.unwritable(
        "model", "of WordPiece with another prefix or cleaning than BERT's", expected: "BERT's")
    }
    self.init(
      model: "bert", preTokenizer: "default",
      tokens: (0..<Int32(vocabulary.count)).map { id in
        let text = vocabulary.bytes(of: id)
        if vocabulary.isAdded(id) { return Array(text) }
        return text.starts(with: form.prefix.utf8)
          ? Array(text.dropFirst(form.prefix.utf8.count)) : SentencePieceTokenizer.space + text
      })
    unknown = form.unknown
    kinds = Self.kinds(vocabulary, unknown: form.unknown)
    lowercases = cleaning.lowercases
    stripsAccents = cleaning.stripsAccents
  }
}
