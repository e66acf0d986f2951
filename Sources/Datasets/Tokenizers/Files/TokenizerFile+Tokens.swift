import LockstepFiles

extension TokenizerFile {
  /// A token as the file writes it.
  struct WrittenToken {
    /// As it stands in the vocabulary: of byte-level encodings in GPT-2's alphabet.
    var text: String
    /// Nil: it is looked for like any other.
    var added: AddedToken?
    /// Whether the model's vocabulary has it.
    var isInModel = true
  }

  /// The tokens by id, from the vocabulary and the added tokens.
  ///
  /// - Throws: `TokenizerError.unsupported` where two tokens have an id, a token has two, an id has
  ///   none, or an added token is none that can be looked for.
  func writtenTokens(_ model: JSONValue) throws(TokenizerError) -> [WrittenToken] {
    guard let members = model["vocab"]?.members else {
      throw unsupported("model.vocab", model["vocab"], expected: "an object of tokens and ids")
    }
    // Every id has a token, so none can be larger than there are tokens: a short file can not make
    // Lockstep ask for all memory.
    let limit = members.count + (root["added_tokens"]?.array?.count ?? 0)
    var tokens: [WrittenToken?] = []
    var ids: [[UInt8]: Int32] = [:]
    func place(_ token: WrittenToken, at id: Int32?, key: String) throws(TokenizerError) {
      guard let id, id >= 0, id < limit else {
        throw unsupported(
          key, .string(token.text),
          expected: "an id in 0 ..< \(limit), for there are no more tokens")
      }
      while tokens.count <= Int(id) { tokens.append(nil) }
      if let other = tokens[Int(id)], !other.text.utf8.elementsEqual(token.text.utf8) {
        throw unsupported(
          key, .string(token.text), expected: "one token for id \(id), which '\(other.text)' has")
      }
      if let other = ids.updateValue(id, forKey: Array(token.text.utf8)), other != id {
        throw unsupported(
          key, .string(token.text), expected: "one id for it; found \(other) and \(id)")
      }
      tokens[Int(id)] = token
    }
    for (text, value) in members {
      try place(WrittenToken(text: text), at: value.integer, key: "model.vocab")
    }
    if let value = root["added_tokens"], !value.isNull, value.array == nil {
      throw unsupported("added_tokens", value, expected: "an array")
    }
    for value in root["added_tokens"]?.array ?? [] {
      let token = try addedToken(value)
      try place(
        WrittenToken(
          text: token.content, added: token, isInModel: ids[Array(token.content.utf8)] != nil),
        at: value["id"]?.integer, key: "added_tokens")
    }
    let present = tokens.compactMap { $0 }
    if present.count < tokens.count {
      let gap = tokens.firstIndex { $0 == nil } ?? 0
      throw .unsupported(
        path: path, key: "model.vocab", found: "without a token for id \(gap)",
        expected: "all ids in 0 ..< \(tokens.count)")
    }
    return present
  }

  /// An entry of `added_tokens`. One of an id and a content alone is a special token.
  private func addedToken(_ value: JSONValue) throws(TokenizerError) -> AddedToken {
    guard let content = value["content"]?.string, !content.isEmpty else {
      throw unsupported("added_tokens", value, expected: "objects with 'id' and 'content'")
    }
    let known = ["id", "content"] + AddedToken.flags.map(\.name)
    for (key, found) in value.members ?? [] where !known.contains(key) {
      throw unsupported("added_tokens.\(key)", found, expected: "no such key")
    }
    var token = AddedToken(content)
    for (name, flag) in AddedToken.flags {
      guard let found = value[name] else { continue }
      guard let isOn = found.bool else {
        throw unsupported("added_tokens.\(name)", found, expected: "true or false")
      }
      token[keyPath: flag] = isOn
    }
    let marksBorders = content == Vocabulary.endOfTextName
    if marksBorders, token.isSingleWord || token.stripsLeft || token.stripsRight {
      throw .unsupported(
        path: path, key: "added_tokens",
        found: "'\(content)' with single_word, lstrip or rstrip",
        expected: "it without them, for it stands between documents")
    }
    return token
  }
}
