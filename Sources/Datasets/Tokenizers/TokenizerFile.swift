import LockstepFiles

/// Reads any tokenizer that Lockstep can use from a Hugging Face `tokenizer.json`.
public struct TokenizerFile {
  private let path: String
  private let root: JSONValue
  private let alphabet = ByteAlphabet()

  /// Loads the tokenizer in a file: byte-pair encoding, bytes or characters, whichever it holds.
  ///
  /// Byte-pair encodings are GPT-2's own and all of its form: byte-level, GPT-2's pattern, merges as
  /// strings or as pairs.
  ///
  /// - Throws: `TokenizerError` naming the file, the key, what was found and what is possible.
  public static func load(_ path: String) throws(TokenizerError) -> any Tokenizer {
    try tokenizer(from: contents(path), path: path)
  }

  /// The text of a `tokenizer.json`, unchecked.
  ///
  /// - Throws: `TokenizerError.unreadable`.
  public static func contents(_ path: String) throws(TokenizerError) -> [UInt8] {
    do throws(FileError) {
      return try MappedFile(path: path).withBytes { Array($0) }
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
  }

  /// The tokenizer in a JSON text.
  ///
  /// - Parameters:
  ///   - text: A `tokenizer.json`, UTF-8.
  ///   - path: What errors call it.
  /// - Throws: `TokenizerError`.
  public static func tokenizer(
    from text: [UInt8], path: String
  ) throws(TokenizerError) -> any Tokenizer {
    let root: JSONValue
    do throws(JSONReader.Failure) {
      root = try JSONReader.value(of: text)
    } catch {
      throw .malformed(path: path, offset: error.offset, reason: error.reason)
    }
    return try TokenizerFile(path: path, root: root).tokenizer()
  }

  private func unsupported(
    _ key: String, _ value: JSONValue?, expected: String
  ) -> TokenizerError {
    .unsupported(path: path, key: key, found: value?.summary ?? "missing", expected: expected)
  }

  private func tokenizer() throws(TokenizerError) -> any Tokenizer {
    guard let model = root["model"] else {
      throw unsupported("model", nil, expected: "a byte-pair encoding as in GPT-2")
    }
    // GPT-2's own file gives no type.
    if let type = model["type"], type.string != "BPE" {
      throw unsupported("model.type", type, expected: "'BPE'")
    }
    if let value = model["dropout"], !value.isNull {
      throw unsupported("model.dropout", value, expected: "null")
    }
    if let value = model["ignore_merges"], value.bool == true {
      throw unsupported("model.ignore_merges", value, expected: "false")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key], !value.isNull, value.string != "" {
        throw unsupported("model." + key, value, expected: "null or empty")
      }
    }
    if let value = root["normalizer"], !value.isNull {
      throw unsupported("normalizer", value, expected: "null")
    }
    let written = try writtenTokens(model)
    guard let merges = model["merges"]?.array else {
      throw unsupported("model.merges", model["merges"], expected: "an array")
    }
    if let preTokenizer = root["pre_tokenizer"], !preTokenizer.isNull {
      return try byteLevel(preTokenizer, written, merges)
    }
    if !merges.isEmpty {
      throw unsupported(
        "pre_tokenizer", root["pre_tokenizer"], expected: "'ByteLevel', for there are merges")
    }
    return try characters(written)
  }

  /// A token as the file writes it.
  private struct WrittenToken {
    var text: String
    var isSpecial: Bool
  }

  /// The tokens by id, from the vocabulary and the added tokens.
  private func writtenTokens(_ model: JSONValue) throws(TokenizerError) -> [WrittenToken] {
    guard let members = model["vocab"]?.members else {
      throw unsupported("model.vocab", model["vocab"], expected: "an object of tokens and ids")
    }
    var tokens: [WrittenToken?] = []
    func place(_ token: WrittenToken, at id: Int32?, key: String) throws(TokenizerError) {
      guard let id, id >= 0, id < 1 << 24 else {
        throw unsupported(key, .string(token.text), expected: "an id in 0 ..< 16777216")
      }
      while tokens.count <= Int(id) { tokens.append(nil) }
      if let other = tokens[Int(id)], !other.text.utf8.elementsEqual(token.text.utf8) {
        throw unsupported(
          key, .string(token.text), expected: "one token for id \(id), which '\(other.text)' has")
      }
      tokens[Int(id)] = token
    }
    for (text, value) in members {
      try place(
        WrittenToken(text: text, isSpecial: false), at: value.integer, key: "model.vocab")
    }
    for added in root["added_tokens"]?.array ?? [] {
      guard let text = added["content"]?.string else {
        throw unsupported("added_tokens", added, expected: "objects with 'id' and 'content'")
      }
      try place(
        WrittenToken(text: text, isSpecial: true), at: added["id"]?.integer, key: "added_tokens")
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

  /// A byte-pair encoding; plain bytes, if there are no merges and each byte is its own id.
  private func byteLevel(
    _ preTokenizer: JSONValue, _ written: [WrittenToken], _ merges: [JSONValue]
  ) throws(TokenizerError) -> any Tokenizer {
    if preTokenizer["type"]?.string != "ByteLevel" {
      throw unsupported("pre_tokenizer.type", preTokenizer["type"], expected: "'ByteLevel'")
    }
    if preTokenizer["add_prefix_space"]?.bool == true {
      throw unsupported(
        "pre_tokenizer.add_prefix_space", preTokenizer["add_prefix_space"], expected: "false")
    }
    var vocabulary = Vocabulary()
    for token in written {
      if token.isSpecial {
        vocabulary.appendSpecial(token.text)
      } else if let bytes = alphabet.bytes(of: token.text), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "tokens in GPT-2's alphabet of bytes")
      }
    }
    if preTokenizer["use_regex"]?.bool == false {
      let plain = ByteTokenizer()
      let bytes = plain.adding(
        special: written.dropFirst(plain.vocabularyCount).filter(\.isSpecial).map(\.text))
      guard merges.isEmpty, vocabulary == bytes.vocabulary else {
        throw unsupported(
          "pre_tokenizer.use_regex", preTokenizer["use_regex"],
          expected: "true, but for plain bytes with id = byte and 256 for <|endoftext|>")
      }
      return bytes
    }
    return try bytePairEncoding(vocabulary, merges)
  }

  private func bytePairEncoding(
    _ vocabulary: Vocabulary, _ merges: [JSONValue]
  ) throws(TokenizerError) -> BytePairEncoding {
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    for id in 0..<Int32(vocabulary.count) where !vocabulary.isSpecial(id) {
      ids[vocabulary.bytes(of: id)] = id
    }
    var byteTokens: [Int32] = []
    for byte in UInt8.min...UInt8.max {
      guard let id = ids[[byte]] else {
        throw .unsupported(
          path: path, key: "model.vocab", found: "without a token for byte \(byte)",
          expected: "all 256, as with the initial alphabet of ByteLevel")
      }
      byteTokens.append(id)
    }
    var rules: [BytePairEncoding.Merge] = []
    rules.reserveCapacity(merges.count)
    for merge in merges {
      guard let (left, right) = pair(merge), let leftID = ids[left[...]],
        let rightID = ids[right[...]], let result = ids[(left + right)[...]]
      else {
        throw unsupported(
          "model.merges", merge, expected: "two tokens whose concatenation is a token too")
      }
      rules.append(BytePairEncoding.Merge(left: leftID, right: rightID, result: result))
    }
    return BytePairEncoding(vocabulary: vocabulary, byteTokens: byteTokens, merges: rules)
  }

  /// The bytes of both tokens of a merge, written "a b" or ["a", "b"].
  private func pair(_ merge: JSONValue) -> (left: [UInt8], right: [UInt8])? {
    let parts: [String]
    if let text = merge.string {
      parts = text.unicodeScalars.split(separator: " ").map { String($0) }
    } else {
      parts = merge.array?.compactMap(\.string) ?? []
    }
    guard parts.count == 2, let left = alphabet.bytes(of: parts[0]),
      let right = alphabet.bytes(of: parts[1])
    else { return nil }
    return (left, right)
  }

  private func characters(_ written: [WrittenToken]) throws(TokenizerError) -> CharacterTokenizer {
    var vocabulary = Vocabulary()
    for token in written {
      if token.isSpecial {
        vocabulary.appendSpecial(token.text)
      } else if token.text.unicodeScalars.count == 1 {
        vocabulary.append(token.text.utf8)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "one character a token without merges")
      }
    }
    return CharacterTokenizer(vocabulary: vocabulary)
  }
}
