extension GGUFTokenizerReader {
  /// SentencePiece's encoding.
  func sentencePiece() throws(TokenizerError) -> SentencePieceTokenizer {
    let tokens = try tokens()
    let vocabulary = try vocabulary(tokens) { token in
      token.kind == .byte
        ? TokenizerFile.byte(of: token.text).map { [$0] } : TokenizerFile.withSpaces(token.text)
    }
    var byteTokens = [Int32?](repeating: nil, count: 256)
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    for (id, token) in tokens.enumerated() where !vocabulary.isAdded(Int32(id)) {
      if token.kind == .byte {
        byteTokens[Int(TokenizerFile.byte(of: token.text) ?? 0)] = Int32(id)
      } else {
        ids[vocabulary.bytes(of: Int32(id))] = Int32(id)
      }
    }
    let known = byteTokens.compactMap { $0 }
    guard known.count == 256, ids[[UInt8(ascii: " ")]] != nil else {
      throw unsupported(
        "tokens", known.count == 256 ? "without '▁'" : "with \(known.count) bytes",
        expected: "'▁', and a token for each byte")
    }
    let addsPrefix = source.addsSpacePrefix ?? true
    var form = SentencePieceTokenizer.Form()
    let spaces = TextNormalizer.Step.replace(" ", by: "\u{2581}")
    form.normalizer = TextNormalizer(addsPrefix ? [.prepend("\u{2581}"), spaces] : [spaces])
    form.dropsFirstSpace = addsPrefix
    form.unknownName = source.unknown.map { tokens[Int($0)].text }
    return SentencePieceTokenizer(
      vocabulary: vocabulary, byteTokens: known, merges: try merges(ids, vocabulary), form: form,
      template: try template(begins: true, vocabulary))
  }

  /// Merges from scores: two neighbours that are a token merge the sooner the greater its score is. Of one
  /// token the parts come in the order of their ids, the left before the right, as `transformers` puts them
  /// into a `tokenizer.json`.
  private func merges(
    _ ids: [ArraySlice<UInt8>: Int32], _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> [BytePairEncoding.Merge] {
    guard source.merges.isEmpty else {
      throw unsupported("merges", "of \(source.merges.count)", expected: "none, but scores")
    }
    guard !source.scores.isEmpty else {
      throw unsupported(
        "scores", "missing", expected: "one for each token, for they say what merges")
    }
    var found: [(score: Float, merge: BytePairEncoding.Merge)] = []
    for id in ids.values.sorted() {
      let bytes = vocabulary.bytes(of: id)
      var own: [BytePairEncoding.Merge] = []
      for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
        if let left = ids[bytes[..<cut]], let right = ids[bytes[cut...]] {
          own.append(BytePairEncoding.Merge(left: left, right: right, result: id))
        }
      }
      let score = source.scores[Int(id)]
      guard score.isFinite else {
        throw unsupported("scores", "\(score) at \(id)", expected: "a number")
      }
      found += own.sorted { ($0.left, $0.right) < ($1.left, $1.right) }.map { (score, $0) }
    }
    // Those with one score keep their order: runs of spaces have one in Llama 2.
    return found.enumerated()
      .sorted { ($0.element.score, -$0.offset) > ($1.element.score, -$1.offset) }
      .map(\.element.merge)
  }

  /// WordPiece. Tokens that begin a word have "▁" before them, those that go on with one nothing.
  func wordPiece() throws(TokenizerError) -> WordPieceTokenizer {
    let space = "\u{2581}"
    let form = (unknown: source.unknown, prefix: "##")
    var tokens = try tokens()
    tokens = tokens.map { token in
      guard token.kind == .normal || token.kind == .unused else { return token }
      let isBeginning = token.text.unicodeScalars.first == "\u{2581}"
      let text =
        isBeginning ? String(token.text.unicodeScalars.dropFirst()) : form.prefix + token.text
      return Token(text: text.isEmpty ? space : text, kind: token.kind)
    }
    let vocabulary = try vocabulary(tokens) { Array($0.text.utf8) }
    guard let unknown = source.unknown else {
      throw unsupported("unknown_token_id", "missing", expected: "the token for unknown words")
    }
    var words = WordPieceTokenizer.Form(unknown: unknown)
    words.normalizer = TextNormalizer([.bert(try cleaning(tokens))])
    let begin = source.classification ?? source.beginOfText
    let template = TextTemplate(
      beginning: source.addsBeginOfText ?? true ? begin : nil,
      end: source.addsSeparator ?? source.addsEndOfText ?? true
        ? source.separator ?? source.endOfText : nil, repeatsBeginning: false)
    for id in template.prefix + template.suffix where !vocabulary.isAdded(id) {
      throw unsupported(
        "token_type", "of '\(tokens[Int(id)].text)' normal", expected: "3, for inputs have it")
    }
    return WordPieceTokenizer(vocabulary: vocabulary, form: words, template: template)
  }

  /// How texts are cleaned. Files of before there were keys for it are of models without capitals, or can
  /// not be told from them.
  private func cleaning(_ tokens: [Token]) throws(TokenizerError) -> BERTNormalization {
    let hasCapitals = tokens.contains { token in
      token.kind == .normal && token.text.utf8.contains { (0x41...0x5A).contains($0) }
        && !token.text.hasPrefix("[")
    }
    guard let lowercases = source.lowercases ?? (hasCapitals ? nil : true) else {
      throw unsupported(
        "normalizer.lowercase", "missing",
        expected: "true or false, for the tokens have capitals")
    }
    return BERTNormalization(
      stripsAccents: source.stripsAccents ?? lowercases, lowercases: lowercases)
  }
}
