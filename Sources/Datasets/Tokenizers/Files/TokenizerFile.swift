import LockstepFiles

/// Reads any tokenizer that Lockstep can use from a Hugging Face `tokenizer.json`.
///
/// Whatever such a file can say of how text is encoded is done as Hugging Face's `tokenizers` does it, or
/// refused by the name of its key.
public struct TokenizerFile {
  let path: String
  let root: JSONValue
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

  /// The text of a `tokenizer.json`, unchecked, without a byte order mark.
  ///
  /// - Throws: `TokenizerError.unreadable`.
  public static func contents(_ path: String) throws(TokenizerError) -> [UInt8] {
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(path: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    return try withoutMark(file.withBytes { Array($0) }, path: path)
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
    let text = try withoutMark(text, path: path)
    let root: JSONValue
    do throws(JSONReader.Failure) {
      root = try JSONReader.value(of: text)
    } catch {
      throw .malformed(path: path, offset: error.offset, reason: error.reason)
    }
    return try TokenizerFile(path: path, root: root).tokenizer()
  }

  private static func withoutMark(
    _ text: [UInt8], path: String
  ) throws(TokenizerError) -> [UInt8] {
    do throws(ByteOrderMark.ForeignEncoding) {
      let length = try ByteOrderMark.length(in: text)
      return length == 0 ? text : Array(text[length...])
    } catch {
      throw .malformed(path: path, offset: 0, reason: "\(error)")
    }
  }

  func unsupported(
    _ key: String, _ value: JSONValue?, expected: String
  ) -> TokenizerError {
    .unsupported(path: path, key: key, found: value?.summary ?? "missing", expected: expected)
  }

  private func tokenizer() throws(TokenizerError) -> any Tokenizer {
    guard let model = root["model"] else {
      throw unsupported("model", nil, expected: "a byte-pair encoding as in GPT-2")
    }
    try requireKnownKeys(model)
    try requirePlainModel(model)
    try requireWholeTexts()
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

  /// A byte-pair encoding; plain bytes, if there are no merges and each byte is its own id.
  private func byteLevel(
    _ preTokenizer: JSONValue, _ written: [WrittenToken], _ merges: [JSONValue]
  ) throws(TokenizerError) -> any Tokenizer {
    try requireByteLevel(preTokenizer)
    var vocabulary = Vocabulary()
    for token in written {
      if let added = token.added {
        vocabulary.append(added)
      } else if let bytes = alphabet.bytes(of: token.text), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "tokens in GPT-2's alphabet of bytes")
      }
    }
    if preTokenizer["use_regex"]?.bool == false {
      guard merges.isEmpty, isOfBytes(vocabulary) else {
        throw unsupported(
          "pre_tokenizer.use_regex", preTokenizer["use_regex"],
          expected: "true, but for plain bytes with id = byte and 256 for <|endoftext|>")
      }
      return ByteTokenizer(vocabulary: vocabulary)
    }
    return try bytePairEncoding(vocabulary, written, merges)
  }

  /// Whether all tokens are those of plain bytes, or added behind them.
  private func isOfBytes(_ vocabulary: Vocabulary) -> Bool {
    let plain = ByteTokenizer().vocabulary
    return vocabulary.count >= plain.count
      && (0..<Int32(vocabulary.count)).allSatisfy { id in
        plain.contains(id)
          ? vocabulary.bytes(of: id) == plain.bytes(of: id)
            && vocabulary.isSpecial(id) == plain.isSpecial(id)
          : vocabulary.isAdded(id)
      }
  }

  private func bytePairEncoding(
    _ vocabulary: Vocabulary, _ written: [WrittenToken], _ merges: [JSONValue]
  ) throws(TokenizerError) -> BytePairEncoding {
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    // An added token that is no special one may be in the vocabulary like any other.
    for (id, token) in written.enumerated() where token.added?.isSpecial != true {
      if let bytes = alphabet.bytes(of: token.text) { ids[bytes[...]] = Int32(id) }
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
    try requireCharacters()
    var vocabulary = Vocabulary()
    for token in written {
      if let added = token.added {
        vocabulary.append(added)
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
