import LockstepFiles

extension TokenizerFile {
  private static let rootKeys = [
    "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
    "post_processor", "decoder", "model",
  ]
  private static let bytePairKeys = [
    "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
    "byte_fallback", "ignore_merges", "vocab", "merges",
  ]
  private static let wordPieceKeys = [
    "type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab",
  ]

  /// What is not known may change how text is encoded.
  ///
  /// - Throws: `TokenizerError.unsupported` with the first key that is not known.
  func requireKnownKeys(_ model: JSONValue, isWordPiece: Bool) throws(TokenizerError) {
    try requireKeys(of: root, Self.rootKeys, section: "")
    try requireKeys(
      of: model, isWordPiece ? Self.wordPieceKeys : Self.bytePairKeys, section: "model.")
    // Inputs are filled up where they are put side by side, which changes none of their tokens.
    if let padding = root["padding"], !padding.isNull {
      try requireKeys(
        of: padding,
        ["strategy", "direction", "pad_to_multiple_of", "pad_id", "pad_type_id", "pad_token"],
        section: "padding.")
    }
  }

  /// - Parameter section: What goes before the key in an error, with its point.
  /// - Throws: `TokenizerError.unsupported` with the first key that is not known.
  func requireKeys(
    of object: JSONValue, _ known: [String], section: String
  ) throws(TokenizerError) {
    for (key, value) in object.members ?? [] where !known.contains(key) {
      throw unsupported(section + key, value, expected: "no such key")
    }
  }

  /// - Throws: `TokenizerError.unsupported` unless the model merges as in GPT-2.
  func requirePlainMerges(_ model: JSONValue) throws(TokenizerError) {
    if let value = model["dropout"], !value.isNull, value.integer != 0 {
      throw unsupported("model.dropout", value, expected: "null")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key], !value.isNull, value.string != "" {
        throw unsupported("model." + key, value, expected: "null or empty")
      }
    }
  }

  /// - Throws: `TokenizerError.unsupported` where texts of bytes or of characters would be changed, cut or
  ///   put between further tokens.
  func requireWholeTexts(_ vocabulary: Vocabulary) throws(TokenizerError) {
    if let value = root["normalizer"], !value.isNull {
      throw unsupported("normalizer", value, expected: "null, for there are no merges")
    }
    if try !template(vocabulary).isEmpty {
      let key = root["truncation"].map(\.isNull) ?? true ? "post_processor" : "truncation"
      throw unsupported(key, root[key], expected: "null, for there are no merges")
    }
  }

  /// - Throws: `TokenizerError.unsupported` where a character that the vocabulary has not would be taken
  ///   for something else: Lockstep refuses such a text.
  func requireCharacters() throws(TokenizerError) {
    if let value = root["model"]?["unk_token"], !value.isNull {
      throw unsupported("model.unk_token", value, expected: "null, for there are no merges")
    }
    if let value = root["model"]?["ignore_merges"], value.bool == true {
      throw unsupported("model.ignore_merges", value, expected: "false, for there are no merges")
    }
    try requireDecoder("Fuse")
  }

  /// - Throws: `TokenizerError.unsupported` for a decoder of another type.
  func requireDecoder(_ type: String) throws(TokenizerError) {
    guard let decoder = root["decoder"], !decoder.isNull, decoder["type"]?.string != type else {
      return
    }
    throw unsupported("decoder.type", decoder["type"], expected: "'\(type)'")
  }

  // MARK: Values of one kind.

  func array(
    _ key: String, of object: JSONValue, section: String
  ) throws(TokenizerError) -> [JSONValue] {
    guard let elements = object[key]?.array else {
      throw unsupported(section + key, object[key], expected: "an array")
    }
    return elements
  }

  func string(
    _ key: String, of object: JSONValue, section: String
  ) throws(TokenizerError) -> String {
    guard let text = object[key]?.string else {
      throw unsupported(section + key, object[key], expected: "a string")
    }
    return text
  }

  /// - Parameter standard: What stands for null and for no value.
  func bool(
    _ key: String, of object: JSONValue, section: String, default standard: Bool
  ) throws(TokenizerError) -> Bool {
    guard let value = object[key], !value.isNull else { return standard }
    guard let isOn = value.bool else {
      throw unsupported(section + key, value, expected: "true or false")
    }
    return isOn
  }
}
