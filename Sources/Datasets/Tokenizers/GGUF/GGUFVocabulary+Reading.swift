extension GGUFVocabulary {
  /// The tokenizer.
  ///
  /// - Parameter path: What errors call the file.
  /// - Throws: `TokenizerError.unsupported` with the key of what is not known or does not fit.
  public func tokenizer(path: String) throws(TokenizerError) -> any Tokenizer {
    try GGUFTokenizerReader(self, path: path).tokenizer()
  }
}

/// Makes a tokenizer of what a GGUF file says.
struct GGUFTokenizerReader {
  let source: GGUFVocabulary
  let path: String

  init(_ source: GGUFVocabulary, path: String) {
    (self.source, self.path) = (source, path)
  }

  func unsupported(_ key: String, _ found: String, expected: String) -> TokenizerError {
    GGUFVocabulary.unsupported(key, found, expected: expected, path: path)
  }

  func tokenizer() throws(TokenizerError) -> any Tokenizer {
    let count = source.tokens.count
    for (key, found) in [("token_type", source.kinds.count), ("scores", source.scores.count)]
    where found != 0 && found != count {
      throw unsupported(key, "of \(found)", expected: "one for each of the \(count) tokens")
    }
    for (key, id) in [
      ("bos_token_id", source.beginOfText), ("eos_token_id", source.endOfText),
      ("unknown_token_id", source.unknown), ("seperator_token_id", source.separator),
      ("cls_token_id", source.classification), ("padding_token_id", source.padding),
      ("mask_token_id", source.mask),
    ] {
      if let id, !source.tokens.indices.contains(Int(id)) {
        throw unsupported(key, "\(id)", expected: "the id of one of the \(count) tokens")
      }
    }
    switch source.model {
    case "gpt2": return try byteLevel()
    case "llama": return try sentencePiece()
    case "bert": return try wordPiece()
    default:
      throw unsupported("model", "'\(source.model)'", expected: "'gpt2', 'llama' or 'bert'")
    }
  }

  /// A token as it is written, and what it is.
  struct Token {
    let text: String
    let kind: GGUFVocabulary.Kind
  }

  /// - Throws: `TokenizerError.unsupported` where one is empty, no UTF-8, there twice or of no known kind.
  func tokens() throws(TokenizerError) -> [Token] {
    var found: [Token] = []
    found.reserveCapacity(source.tokens.count)
    var seen: Set<[UInt8]> = []
    for (id, bytes) in source.tokens.enumerated() {
      guard let text = String(validating: bytes, as: UTF8.self), !bytes.isEmpty else {
        throw unsupported("tokens", "at \(id) empty or not UTF-8", expected: "text")
      }
      guard seen.insert(bytes).inserted else {
        throw unsupported("tokens", "with '\(text)' twice", expected: "every token once")
      }
      let number = source.kinds.isEmpty ? 1 : source.kinds[id]
      guard let kind = GGUFVocabulary.Kind(rawValue: number) else {
        throw unsupported("token_type", "\(number) at \(id)", expected: "1 to 6")
      }
      found.append(Token(text: text, kind: kind))
    }
    return found
  }

  /// A vocabulary of tokens, of which those that are names and those of users are looked for in texts.
  ///
  /// - Parameter bytes: What a token of text stands for; nil: nothing that there can be.
  func vocabulary(
    _ tokens: [Token], bytes: (Token) -> [UInt8]?
  ) throws(TokenizerError) -> Vocabulary {
    // Names at the end were added to a vocabulary that is complete without them.
    let lastOfModel = tokens.lastIndex { $0.kind != .control && $0.kind != .userDefined } ?? -1
    let names = Set(
      [
        source.beginOfText, source.endOfText, source.separator, source.classification, source.mask,
        source.padding,
      ].compactMap { $0 })
    var vocabulary = Vocabulary()
    for (id, token) in tokens.enumerated() {
      let isName =
        token.kind == .control || token.kind == .unknown
        || (token.kind != .byte && names.contains(Int32(id)) && source.kinds.isEmpty)
      if isName || token.kind == .userDefined {
        var added = AddedToken(token.text)
        added.isSpecial = isName
        vocabulary.append(added, isInModel: id <= lastOfModel)
      } else if let bytes = bytes(token), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        throw unsupported(
          "tokens", "with '\(token.text)'", expected: "tokens of the model '\(source.model)'")
      }
    }
    return vocabulary
  }

  /// What stands around an input.
  ///
  /// - Parameters:
  ///   - begins: Whether it begins with a token, where the file does not say.
  ///   - vocabulary: Whose added tokens these are.
  func template(begins: Bool, _ vocabulary: Vocabulary) throws(TokenizerError) -> TextTemplate {
    var beginning: Int32?
    var end: Int32?
    if source.addsBeginOfText ?? begins {
      guard let id = source.beginOfText, vocabulary.isAdded(id) else {
        throw unsupported(
          "bos_token_id", source.beginOfText.map { "\($0)" } ?? "missing",
          expected: "a control token, for an input begins with it")
      }
      beginning = id
    }
    if source.addsEndOfText ?? false {
      guard let id = source.endOfText, vocabulary.isAdded(id) else {
        throw unsupported(
          "eos_token_id", source.endOfText.map { "\($0)" } ?? "missing",
          expected: "a control token, for an input ends with it")
      }
      end = id
    }
    return TextTemplate(beginning: beginning, end: end, repeatsBeginning: true)
  }

  // MARK: Byte-level encodings.

  private func byteLevel() throws(TokenizerError) -> BytePairEncoding {
    let name = source.preTokenizer ?? "missing"
    guard let pattern = SplitPattern.allCases.first(where: { $0.ggufNames.contains(name) }) else {
      let known = SplitPattern.allCases.flatMap(\.ggufNames).map { "'\($0)'" }
      throw unsupported("pre", "'\(name)'", expected: known.joined(separator: ", "))
    }
    if source.addsSpacePrefix ?? false {
      throw unsupported("add_space_prefix", "true", expected: "false for the model 'gpt2'")
    }
    let alphabet = ByteAlphabet()
    let vocabulary = try vocabulary(tokens()) { alphabet.bytes(of: $0.text) }
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    for token in 0..<Int32(vocabulary.count) where !vocabulary.isSpecial(token) {
      ids[vocabulary.bytes(of: token)] = token
    }
    let byteTokens = (UInt8.min...UInt8.max).map { ids[[$0]] ?? -1 }
    var rules: [BytePairEncoding.Merge] = []
    rules.reserveCapacity(source.merges.count)
    for merge in source.merges {
      let parts = merge.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        .map { alphabet.bytes(of: String(decoding: $0, as: UTF8.self)) ?? [] }
      guard parts.count == 2, let left = ids[parts[0][...]], let right = ids[parts[1][...]],
        let result = ids[(parts[0] + parts[1])[...]]
      else {
        throw unsupported(
          "merges", "with '\(String(decoding: merge, as: UTF8.self))'",
          expected: "two tokens whose concatenation is a token too")
      }
      rules.append(BytePairEncoding.Merge(left: left, right: right, result: result))
    }
    var form = BytePairEncoding.Form()
    form.pattern = pattern
    form.ignoresMerges = pattern == .llama3
    // Qwen's own files have it; the format has no word for it.
    if pattern == .qwen2 { form.normalizer = TextNormalizer([.composed]) }
    return BytePairEncoding(
      vocabulary: vocabulary, byteTokens: byteTokens, merges: rules, form: form,
      template: try template(begins: pattern == .llama3, vocabulary))
  }
}
