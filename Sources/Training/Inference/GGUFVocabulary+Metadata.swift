import LockstepDatasets
import LockstepWeights

/// The keys of a GGUF file's metadata that describe a tokenizer.
private enum Key {
  static let prefix = "tokenizer.ggml."
  static let ids: [(key: String, value: WritableKeyPath<GGUFVocabulary, Int32?> & Sendable)] = [
    ("bos_token_id", \.beginOfText), ("eos_token_id", \.endOfText),
    ("unknown_token_id", \.unknown), ("seperator_token_id", \.separator),
    ("cls_token_id", \.classification), ("padding_token_id", \.padding),
    ("mask_token_id", \.mask),
  ]
  static let switches: [(key: String, value: WritableKeyPath<GGUFVocabulary, Bool?> & Sendable)] = [
    ("add_bos_token", \.addsBeginOfText), ("add_eos_token", \.addsEndOfText),
    ("add_sep_token", \.addsSeparator), ("add_space_prefix", \.addsSpacePrefix),
    ("normalizer.lowercase", \.lowercases), ("normalizer.strip_accents", \.stripsAccents),
  ]
  /// Tokens that end an answer besides that which ends a text.
  static let ends = ["eot_token_id", "eom_token_id"]
  static let template = "tokenizer.chat_template"

  /// What stands in the place of a token that there is not, where a model has more rows than tokens:
  /// llama.cpp's name.
  static func padding(_ id: Int) -> [UInt8] { Array("[PAD\(id)]".utf8) }
}

extension GGUFReader {
  /// The tokenizer that the file describes; nil where it has none.
  ///
  /// - Throws: `TokenizerError`.
  func tokenizer() throws(TokenizerError) -> (any Tokenizer)? {
    guard let vocabulary = try GGUFVocabulary(of: self) else { return nil }
    return try vocabulary.tokenizer(path: path)
  }
}

extension GGUFVocabulary {
  /// What the file says of its tokenizer; nil where it has none.
  ///
  /// - Throws: `TokenizerError.unsupported` where a value is not of the type that the format has there.
  init?(of file: GGUFReader) throws(TokenizerError) {
    func value<Value>(
      _ key: String, _ expected: String, _ read: (GGUFValue) -> Value?
    ) throws(TokenizerError) -> Value? {
      guard let stored = file.metadata[Key.prefix + key] else { return nil }
      guard let value = read(stored) else {
        throw .unsupported(
          path: file.path, key: Key.prefix + key, found: "a value of type \(stored.type)",
          expected: expected)
      }
      return value
    }
    // Files without a tokenizer say so.
    guard let model = try value("model", "text", \.text), model != "none" else { return nil }
    self.init(
      model: model, preTokenizer: try value("pre", "text", \.text),
      tokens: try value("tokens", "a list of texts", \.texts) ?? [])
    kinds = try value("token_type", "a list of whole numbers", \.integers) ?? []
    scores = try value("scores", "a list of numbers", \.floats) ?? []
    merges = try value("merges", "a list of texts", \.texts) ?? []
    for (key, path) in Key.ids {
      self[keyPath: path] = try value(key, "the id of a token") { value in
        value.integer.flatMap { Int32(exactly: $0) }
      }
    }
    for (key, path) in Key.switches {
      self[keyPath: path] = try value(key, "true or false", \.bool)
    }
    removePadding()
  }

  /// Takes away what only fills the rows of a table of vectors.
  private mutating func removePadding() {
    while let last = tokens.last, kinds.count == tokens.count,
      kinds.last == Kind.unused.rawValue, last == Key.padding(tokens.count - 1)
    {
      if scores.count == tokens.count { scores.removeLast() }
      tokens.removeLast()
      kinds.removeLast()
    }
  }

  /// As many tokens as a model has rows.
  private mutating func fill(to rows: Int) {
    if kinds.isEmpty { kinds = [Int](repeating: Kind.normal.rawValue, count: tokens.count) }
    let hasScores = !scores.isEmpty
    for id in tokens.count..<max(rows, tokens.count) {
      tokens.append(Key.padding(id))
      kinds.append(Kind.unused.rawValue)
      if hasScores { scores.append(-1000) }
    }
  }

  /// Whether inputs get the token of a task, so that it is the tokenizer that says which one it is.
  private func encodes(with role: TextConventions.Role) -> Bool {
    switch role {
    case .beginOfText: beginOfText != nil && addsBeginOfText == true
    case .endOfText: endOfText != nil && addsEndOfText == true
    case .separator: separator != nil && addsSeparator == true
    case .classification: classification != nil && addsBeginOfText == true
    case .unknown: unknown != nil
    case .padding, .mask: false
    }
  }

  /// The metadata of a tokenizer, and of how texts begin and end.
  ///
  /// - Parameters:
  ///   - tokenizer: Nil: there is none.
  ///   - conventions: Of the model.
  ///   - rows: V.
  /// - Throws: `TokenizerError` where the format can not say what the tokenizer does.
  static func metadata(
    of tokenizer: (any Tokenizer)?, _ conventions: TextConventions, rows: Int
  ) throws(TokenizerError) -> [(key: String, value: GGUFValue)] {
    guard let tokenizer else { return [(Key.prefix + "model", .text("none"))] }
    var vocabulary = try GGUFVocabulary(of: tokenizer)
    vocabulary.fill(to: rows)
    for (role, path) in TextConventions.ggufRoles {
      guard let id = conventions.id(conventions.names[role], tokenizer),
        !vocabulary.encodes(with: role)
      else { continue }
      vocabulary[keyPath: path] = Int32(id)
    }
    var written: [(key: String, value: GGUFValue)] = [
      ("model", .text(vocabulary.model))
    ]
    if let name = vocabulary.preTokenizer { written.append(("pre", .text(name))) }
    written.append(("tokens", .texts(vocabulary.tokens)))
    written.append(("token_type", .int32s(vocabulary.kinds.map { Int32(clamping: $0) })))
    if !vocabulary.scores.isEmpty { written.append(("scores", .float32s(vocabulary.scores))) }
    if !vocabulary.merges.isEmpty { written.append(("merges", .texts(vocabulary.merges))) }
    for (key, path) in Key.ids {
      if let id = vocabulary[keyPath: path] { written.append((key, .uint32(UInt32(max(0, id))))) }
    }
    for (key, path) in Key.switches {
      if let isOn = vocabulary[keyPath: path] { written.append((key, .bool(isOn))) }
    }
    let ends = conventions.endOfTextNames.compactMap { conventions.id($0, tokenizer) }
      .filter { Int32($0) != vocabulary.endOfText }
    for (key, id) in zip(Key.ends, ends) { written.append((key, .uint32(UInt32(id)))) }
    written = written.map { (Key.prefix + $0.key, $0.value) }
    if let template = conventions.chatTemplate { written.append((Key.template, .text(template))) }
    return written
  }
}

extension TextConventions {
  /// The tokens with a task, and where a GGUF file has them.
  fileprivate static let ggufRoles:
    [(role: Role, path: WritableKeyPath<GGUFVocabulary, Int32?> & Sendable)] = [
      (.beginOfText, \.beginOfText), (.endOfText, \.endOfText), (.unknown, \.unknown),
      (.separator, \.separator), (.classification, \.classification), (.padding, \.padding),
      (.mask, \.mask),
    ]

  /// - Parameter file: Need not have a tokenizer.
  /// - Throws: `TokenizerError`.
  init(of file: GGUFReader) throws(TokenizerError) {
    self.init()
    chatTemplate = file.metadata[Key.template]?.text
    guard let vocabulary = try GGUFVocabulary(of: file) else { return }
    func name(_ id: Int?) -> String? {
      guard let id, vocabulary.tokens.indices.contains(id) else { return nil }
      return String(decoding: vocabulary.tokens[id], as: UTF8.self)
    }
    for (role, path) in Self.ggufRoles {
      names[role] = name(vocabulary[keyPath: path].map { Int($0) })
    }
    furtherEnds = Key.ends.compactMap { name(file.metadata[Key.prefix + $0]?.integer) }
  }
}
