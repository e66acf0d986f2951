import LockstepFiles

/// Reads any tokenizer that Lockstep can use from a Hugging Face `tokenizer.json`.
///
/// Whatever such a file can say of how text is encoded is done as Hugging Face's `tokenizers` does it, or
/// refused by the name of its key.
public struct TokenizerFile {
  let path: String
  let root: JSONValue

  /// Loads the tokenizer in a file, of whichever kind it is: byte-pair encodings of bytes with the patterns
  /// of ``SplitPattern`` and of characters with byte fallback, merges as strings or as pairs; WordPiece;
  /// bytes; characters.
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
    do throws(ByteOrderMark.NotUTF8) {
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
      throw unsupported("model", nil, expected: "a byte-pair encoding or WordPiece")
    }
    // GPT-2's own file gives no type.
    let type = model["type"]
    let isWordPiece = type?.string == "WordPiece"
    guard type == nil || isWordPiece || type?.string == "BPE" else {
      throw unsupported("model.type", type, expected: "'BPE' or 'WordPiece'")
    }
    try requireKnownKeys(model, isWordPiece: isWordPiece)
    if isWordPiece { return try wordPiece(model) }
    try requirePlainMerges(model)
    let written = try writtenTokens(model)
    let merges = try array("merges", of: model, section: "model.")
    if try bool("byte_fallback", of: model, section: "model.", default: false) {
      return try sentencePiece(model, written, merges)
    }
    if let preTokenizer = root["pre_tokenizer"], !preTokenizer.isNull {
      return try byteLevel(preTokenizer, model, written, merges)
    }
    if !merges.isEmpty {
      throw unsupported(
        "pre_tokenizer", root["pre_tokenizer"],
        expected: "one of bytes, or model.byte_fallback, for there are merges")
    }
    return try characters(written)
  }

  private func characters(_ written: [WrittenToken]) throws(TokenizerError) -> CharacterTokenizer {
    try requireCharacters()
    var vocabulary = Vocabulary()
    for token in written {
      if let added = token.added {
        vocabulary.append(added, isInModel: token.isInModel)
      } else if token.text.unicodeScalars.count == 1 {
        vocabulary.append(token.text.utf8)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "one character a token without merges")
      }
    }
    try requireWholeTexts(vocabulary)
    return CharacterTokenizer(vocabulary: vocabulary)
  }
}
