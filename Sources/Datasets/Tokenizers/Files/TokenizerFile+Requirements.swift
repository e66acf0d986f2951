extension TokenizerFile {
  private static let rootKeys = [
    "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
    "post_processor", "decoder", "model",
  ]
  private static let modelKeys = [
    "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
    "byte_fallback", "ignore_merges", "vocab", "merges",
  ]
  private static let byteLevelKeys = ["type", "add_prefix_space", "trim_offsets", "use_regex"]

  /// What is not known may change how text is encoded.
  ///
  /// - Throws: `TokenizerError.unsupported` with the first key that is not known.
  func requireKnownKeys(_ model: JSONValue) throws(TokenizerError) {
    try requireKeys(of: root, Self.rootKeys, section: "")
    try requireKeys(of: model, Self.modelKeys, section: "model.")
  }

  private func requireKeys(
    of object: JSONValue, _ known: [String], section: String
  ) throws(TokenizerError) {
    for (key, value) in object.members ?? [] where !known.contains(key) {
      throw unsupported(section + key, value, expected: "no such key")
    }
  }

  /// - Throws: `TokenizerError.unsupported` unless the model is a byte-pair encoding as in GPT-2.
  func requirePlainModel(_ model: JSONValue) throws(TokenizerError) {
    // GPT-2's own file gives no type.
    if let type = model["type"], type.string != "BPE" {
      throw unsupported("model.type", type, expected: "'BPE'")
    }
    if let value = model["dropout"], !value.isNull, value.integer != 0 {
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
  }

  /// - Throws: `TokenizerError.unsupported` where the file says that texts are changed, cut, filled up
  ///   or put between further tokens.
  func requireWholeTexts() throws(TokenizerError) {
    for key in ["normalizer", "truncation", "padding"] {
      if let value = root[key], !value.isNull {
        throw unsupported(key, value, expected: "null")
      }
    }
    guard let processor = root["post_processor"], !processor.isNull else { return }
    if let addition = addition(of: processor) {
      throw .unsupported(
        path: path, key: "post_processor", found: addition,
        expected: "null, 'ByteLevel' or a template that adds nothing; "
          + "set it to null in a copy of the file to learn without what it adds")
    }
  }

  /// What a post-processor does to the ids of a text; nil where it changes none.
  private func addition(of processor: JSONValue) -> String? {
    let type = processor["type"]?.string ?? processor.summary
    switch type {
    case "ByteLevel": return nil
    case "Sequence":
      return (processor["processors"]?.array ?? []).lazy.compactMap(addition).first
    case "TemplateProcessing":
      let pieces = processor["single"]?.array ?? []
      let added = pieces.compactMap { $0["SpecialToken"]?["id"]?.string }
      let isText = pieces.count == 1 && pieces[0]["Sequence"]?["id"]?.string == "A"
      if isText { return nil }
      return "'\(type)', which adds " + added.map { "'\($0)'" }.joined(separator: ", ")
    case "BertProcessing", "RobertaProcessing":
      let added = ["cls", "sep"].compactMap { processor[$0]?.array?.first?.string }
      return "'\(type)', which adds " + added.map { "'\($0)'" }.joined(separator: ", ")
    default: return "'\(type)'"
    }
  }

  /// - Throws: `TokenizerError.unsupported` unless text is cut as GPT-2 does.
  func requireByteLevel(_ preTokenizer: JSONValue) throws(TokenizerError) {
    if preTokenizer["type"]?.string != "ByteLevel" {
      throw unsupported("pre_tokenizer.type", preTokenizer["type"], expected: "'ByteLevel'")
    }
    try requireKeys(of: preTokenizer, Self.byteLevelKeys, section: "pre_tokenizer.")
    if let value = preTokenizer["add_prefix_space"], value.bool != false {
      throw unsupported("pre_tokenizer.add_prefix_space", value, expected: "false")
    }
    try requireDecoder("ByteLevel")
  }

  /// - Throws: `TokenizerError.unsupported` where a character that the vocabulary has not would be taken
  ///   for something else: Lockstep refuses such a text.
  func requireCharacters() throws(TokenizerError) {
    if let value = root["model"]?["unk_token"], !value.isNull {
      throw unsupported("model.unk_token", value, expected: "null, for there are no merges")
    }
    if let value = root["model"]?["byte_fallback"], value.bool == true {
      throw unsupported("model.byte_fallback", value, expected: "false, for there are no merges")
    }
    try requireDecoder("Fuse")
  }

  private func requireDecoder(_ type: String) throws(TokenizerError) {
    guard let decoder = root["decoder"], !decoder.isNull, decoder["type"]?.string != type else {
      return
    }
    throw unsupported("decoder.type", decoder["type"], expected: "'\(type)'")
  }
}
