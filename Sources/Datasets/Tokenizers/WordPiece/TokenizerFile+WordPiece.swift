import LockstepFiles

extension TokenizerFile {
  /// WordPiece as in BERT.
  func wordPiece(_ model: JSONValue) throws(TokenizerError) -> WordPieceTokenizer {
    try requireBERTWords()
    var vocabulary = Vocabulary()
    for token in try writtenTokens(model) {
      if let added = token.added {
        vocabulary.append(added, isInModel: token.isInModel)
      } else if token.text.isEmpty {
        throw unsupported("model.vocab", .string(token.text), expected: "tokens of some text")
      } else {
        vocabulary.append(token.text.utf8)
      }
    }
    let section = "model."
    let name = try string("unk_token", of: model, section: section)
    guard
      let unknown = vocabulary.modelTokens.first(where: {
        vocabulary.bytes(of: $0).elementsEqual(name.utf8)
      })
    else {
      throw unsupported("model.unk_token", .string(name), expected: "a token of model.vocab")
    }
    var form = WordPieceTokenizer.Form(unknown: unknown)
    form.prefix = try string("continuing_subword_prefix", of: model, section: section)
    guard let longest = model["max_input_chars_per_word"]?.integer, longest > 0 else {
      throw unsupported(
        "model.max_input_chars_per_word", model["max_input_chars_per_word"],
        expected: "a number from 1")
    }
    form.longestWord = Int(longest)
    form.normalizer = try normalizer()
    form.joinsPunctuation = try joinsPunctuation(prefix: form.prefix)
    return WordPieceTokenizer(
      vocabulary: vocabulary, form: form, template: try template(vocabulary))
  }

  private func requireBERTWords() throws(TokenizerError) {
    guard let value = root["pre_tokenizer"], value["type"]?.string == "BertPreTokenizer" else {
      throw unsupported(
        "pre_tokenizer.type", root["pre_tokenizer"]?["type"], expected: "'BertPreTokenizer'")
    }
    try requireKeys(of: value, ["type"], section: "pre_tokenizer.")
  }

  /// Whether decoding puts punctuation close to the word before.
  private func joinsPunctuation(prefix: String) throws(TokenizerError) -> Bool {
    guard let value = root["decoder"], value["type"]?.string == "WordPiece" else {
      throw unsupported("decoder.type", root["decoder"]?["type"], expected: "'WordPiece'")
    }
    try requireKeys(of: value, ["type", "prefix", "cleanup"], section: "decoder.")
    guard value["prefix"]?.string == prefix else {
      throw unsupported(
        "decoder.prefix", value["prefix"], expected: "'\(prefix)', as the model has it")
    }
    return try bool("cleanup", of: value, section: "decoder.", default: true)
  }
}
