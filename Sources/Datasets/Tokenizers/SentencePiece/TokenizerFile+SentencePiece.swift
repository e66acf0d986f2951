import LockstepFiles

extension TokenizerFile {
  /// A byte-pair encoding of characters with byte fallback.
  func sentencePiece(
    _ model: JSONValue, _ written: [WrittenToken], _ merges: [JSONValue]
  ) throws(TokenizerError) -> SentencePieceTokenizer {
    var form = SentencePieceTokenizer.Form()
    form.normalizer = try normalizer()
    form.spaces = try spaces(form.normalizer)
    form.dropsFirstSpace = try dropsFirstSpace()
    form.ignoresMerges = try bool("ignore_merges", of: model, section: "model.", default: false)
    form.fusesUnknown = try bool("fuse_unk", of: model, section: "model.", default: false)
    form.unknownName = model["unk_token"]?.string
    let (vocabulary, byteTokens) = try spacedVocabulary(written)
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    let isByte = Set(byteTokens)
    for token in vocabulary.modelTokens where !isByte.contains(token) {
      ids[vocabulary.bytes(of: token)] = token
    }
    guard ids[[UInt8(ascii: " ")]] != nil else {
      throw .unsupported(
        path: path, key: "model.vocab", found: "without '▁'", expected: "it, for there are spaces")
    }
    let rules = try self.merges(merges) {
      Self.withSpaces($0)
    } id: {
      ids[$0]
    }
    return SentencePieceTokenizer(
      vocabulary: vocabulary, byteTokens: byteTokens, merges: rules, form: form,
      template: try template(vocabulary))
  }

  /// A token's bytes, with spaces for "▁"; nil where it has spaces of its own, which no text gives.
  static func withSpaces(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if scalar == " " { return nil }
      bytes.append(contentsOf: scalar == "\u{2581}" ? [0x20] : Array(String(scalar).utf8))
    }
    return bytes
  }

  /// The byte of a token such as "<0x0A>".
  static func byte(of text: String) -> UInt8? {
    guard text.utf8.count == 6, text.hasPrefix("<0x"), text.hasSuffix(">") else { return nil }
    let digits = text.dropFirst(3).dropLast()
    guard digits.allSatisfy({ $0.isHexDigit && !$0.isLowercase }) else { return nil }
    return UInt8(digits, radix: 16)
  }

  /// The tokens with spaces for "▁", and those of the bytes.
  private func spacedVocabulary(
    _ written: [WrittenToken]
  ) throws(TokenizerError) -> (vocabulary: Vocabulary, byteTokens: [Int32]) {
    var vocabulary = Vocabulary()
    var byteTokens = [Int32?](repeating: nil, count: 256)
    for token in written {
      if let added = token.added {
        vocabulary.append(added, isInModel: token.isInModel)
      } else if let byte = Self.byte(of: token.text) {
        byteTokens[Int(byte)] = vocabulary.append([byte])
      } else if let bytes = Self.withSpaces(token.text), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "tokens with '▁' in place of spaces")
      }
    }
    let known = byteTokens.compactMap { $0 }
    guard known.count == 256 else {
      let missing = byteTokens.firstIndex { $0 == nil } ?? 0
      throw .unsupported(
        path: path, key: "model.vocab",
        found: "without '<0x" + [UInt8(missing)].hexadecimal.uppercased() + ">'",
        expected: "a token for each byte, because of model.byte_fallback")
    }
    return (vocabulary, known)
  }

  /// What makes "▁" of spaces.
  private func spaces(
    _ normalizer: TextNormalizer
  ) throws(TokenizerError) -> SentencePieceTokenizer.Spaces {
    let section = "pre_tokenizer."
    guard let value = root["pre_tokenizer"], !value.isNull else {
      guard normalizer.steps.contains(.replace(" ", by: "\u{2581}")) else {
        throw unsupported(
          "normalizer", root["normalizer"],
          expected: "one that puts '▁' in place of spaces, or a pre_tokenizer Metaspace")
      }
      return .normalizer
    }
    guard value["type"]?.string == "Metaspace" else {
      throw unsupported(section + "type", value["type"], expected: "'Metaspace', or none")
    }
    try requireKeys(
      of: value, ["type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"],
      section: section)
    for key in ["replacement", "str_rep"] where key == "replacement" || value[key] != nil {
      if value[key]?.string != "\u{2581}" {
        throw unsupported(section + key, value[key], expected: "'▁'")
      }
    }
    let parts = try bool("split", of: value, section: section, default: true)
    let addsPrefix = try bool("add_prefix_space", of: value, section: section, default: true)
    guard let scheme = value["prepend_scheme"] else {
      // Files of before there were schemes.
      return .cutting(prefix: addsPrefix ? .always : .never, parts: parts)
    }
    guard let prefix = scheme.string.flatMap(SentencePieceTokenizer.Prefix.init(rawValue:)),
      addsPrefix || prefix == .never
    else {
      throw unsupported(section + "prepend_scheme", scheme, expected: "always, first or never")
    }
    return .cutting(prefix: prefix, parts: parts)
  }

  /// Whether decoding takes away the space that a text of tokens begins with.
  private func dropsFirstSpace() throws(TokenizerError) -> Bool {
    func unknown(_ value: JSONValue?) -> TokenizerError {
      unsupported(
        "decoder", value,
        expected:
          "a Sequence of Replace '▁' by ' ', ByteFallback, Fuse, and Strip of one ' ' or none")
    }
    guard let value = root["decoder"], value["type"]?.string == "Sequence",
      let steps = value["decoders"]?.array
    else { throw unknown(root["decoder"]) }
    let types = steps.map { $0["type"]?.string ?? "" }
    guard types.prefix(3) == ["Replace", "ByteFallback", "Fuse"], steps.count <= 4,
      steps[0]["pattern"]?["String"]?.string == "\u{2581}", steps[0]["content"]?.string == " "
    else { throw unknown(value) }
    guard steps.count == 4 else { return false }
    let strip = steps[3]
    guard types[3] == "Strip", strip["content"]?.string == " ", strip["start"]?.integer == 1,
      strip["stop"]?.integer == 0
    else { throw unknown(strip) }
    return true
  }
}
