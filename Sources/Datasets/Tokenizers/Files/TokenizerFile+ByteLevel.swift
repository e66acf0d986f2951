import LockstepFiles

extension TokenizerFile {
  /// How a `pre_tokenizer` cuts text; nil: it does not.
  private struct Cut {
    var pattern: SplitPattern?
    var addsPrefixSpace = false
  }

  /// A byte-pair encoding; plain bytes, if there are no merges and each byte is its own id.
  func byteLevel(
    _ preTokenizer: JSONValue, _ model: JSONValue, _ written: [WrittenToken], _ merges: [JSONValue]
  ) throws(TokenizerError) -> any Tokenizer {
    let cut = try cut(preTokenizer)
    try requireDecoder("ByteLevel")
    let alphabet = ByteAlphabet()
    var vocabulary = Vocabulary()
    for token in written {
      if let added = token.added {
        vocabulary.append(added, isInModel: token.isInModel)
      } else if let bytes = alphabet.bytes(of: token.text), !bytes.isEmpty {
        vocabulary.append(bytes)
      } else {
        throw unsupported(
          "model.vocab", .string(token.text), expected: "tokens in GPT-2's alphabet of bytes")
      }
    }
    guard let pattern = cut.pattern else {
      return try bytes(vocabulary, merges, preTokenizer)
    }
    var form = BytePairEncoding.Form()
    form.pattern = pattern
    form.addsPrefixSpace = cut.addsPrefixSpace
    form.ignoresMerges = try bool("ignore_merges", of: model, section: "model.", default: false)
    form.normalizer = try normalizer()
    return try bytePairEncoding(vocabulary, written, merges, form)
  }

  /// What cuts text into words, of the forms in use.
  private func cut(_ preTokenizer: JSONValue) throws(TokenizerError) -> Cut {
    guard preTokenizer["type"]?.string == "Sequence" else {
      let isOn = try bytes(preTokenizer)
      let addsSpace = try bool(
        "add_prefix_space", of: preTokenizer, section: "pre_tokenizer.", default: false)
      return Cut(pattern: isOn ? .gpt2 : nil, addsPrefixSpace: addsSpace)
    }
    try requireKeys(
      of: preTokenizer, ["type", "pretokenizers"], section: "pre_tokenizer.")
    let steps = try array("pretokenizers", of: preTokenizer, section: "pre_tokenizer.")
    guard let last = steps.last, steps.count <= 2 else {
      throw unsupported(
        "pre_tokenizer", preTokenizer,
        expected: "a Split or Digits, and ByteLevel behind it; \(steps.count) steps are not known")
    }
    let usesPattern = try bytes(last)
    if steps.count == 1 { return try cut(last) }
    // Each word would get one.
    if try bool("add_prefix_space", of: last, section: "pre_tokenizer.", default: false) {
      throw unsupported(
        "pre_tokenizer.add_prefix_space", last["add_prefix_space"], expected: "false")
    }
    return Cut(pattern: try pattern(steps[0], beforePattern: usesPattern))
  }

  /// Whether a `ByteLevel` cuts by GPT-2's pattern.
  private func bytes(_ step: JSONValue) throws(TokenizerError) -> Bool {
    if step["type"]?.string != "ByteLevel" {
      throw unsupported("pre_tokenizer.type", step["type"], expected: "'ByteLevel'")
    }
    try requireKeys(
      of: step, ["type", "add_prefix_space", "trim_offsets", "use_regex"],
      section: "pre_tokenizer.")
    return try bool("use_regex", of: step, section: "pre_tokenizer.", default: true)
  }

  /// - Parameter isBeforePattern: Whether GPT-2's pattern cuts the parts once more.
  private func pattern(
    _ step: JSONValue, beforePattern isBeforePattern: Bool
  ) throws(TokenizerError) -> SplitPattern {
    let section = "pre_tokenizer."
    switch step["type"]?.string {
    case "Digits":
      try requireKeys(of: step, ["type", "individual_digits"], section: section)
      guard isBeforePattern,
        try bool("individual_digits", of: step, section: section, default: false)
      else {
        throw unsupported(
          section + "individual_digits", step["individual_digits"],
          expected: "true, and 'use_regex' of the ByteLevel behind it")
      }
      return .digits
    case "Split":
      try requireKeys(
        of: step, ["type", "pattern", "behavior", "invert"], section: section)
      if step["behavior"]?.string != "Isolated" {
        throw unsupported(section + "behavior", step["behavior"], expected: "'Isolated'")
      }
      if try bool("invert", of: step, section: section, default: false) {
        throw unsupported(section + "invert", step["invert"], expected: "false")
      }
      let expression = step["pattern"]?["Regex"]?.string
      guard
        let found = SplitPattern.allCases.first(where: {
          expression != nil && $0.expression == expression
        })
      else {
        throw .unsupported(
          path: path, key: section + "pattern",
          found: expression.map { "'\($0)'" } ?? step["pattern"]?.summary ?? "missing",
          expected: "a Regex that is the pattern of GPT-2, Llama 3 or Qwen 2, letter for letter")
      }
      if isBeforePattern {
        throw unsupported(
          section + "use_regex", .bool(true), expected: "false, for a Split cuts before it")
      }
      return found
    default:
      throw unsupported(section + "type", step["type"], expected: "'Split' or 'Digits'")
    }
  }

  /// Plain bytes.
  private func bytes(
    _ vocabulary: Vocabulary, _ merges: [JSONValue], _ preTokenizer: JSONValue
  ) throws(TokenizerError) -> ByteTokenizer {
    guard merges.isEmpty, isOfBytes(vocabulary) else {
      throw unsupported(
        "pre_tokenizer.use_regex", preTokenizer["use_regex"],
        expected: "true, but for plain bytes with id = byte and 256 for <|endoftext|>")
    }
    try requireWholeTexts(vocabulary)
    if let value = preTokenizer["add_prefix_space"], value.bool == true {
      throw unsupported("pre_tokenizer.add_prefix_space", value, expected: "false")
    }
    return ByteTokenizer(vocabulary: vocabulary)
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
    _ vocabulary: Vocabulary, _ written: [WrittenToken], _ merges: [JSONValue],
    _ form: BytePairEncoding.Form
  ) throws(TokenizerError) -> BytePairEncoding {
    let alphabet = ByteAlphabet()
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    // An added token that is no special one may be in the vocabulary like any other.
    for (id, token) in written.enumerated() where token.added?.isSpecial != true {
      if let bytes = alphabet.bytes(of: token.text) { ids[bytes[...]] = Int32(id) }
    }
    let byteTokens = (UInt8.min...UInt8.max).map { ids[[$0]] ?? -1 }
    let rules = try self.merges(merges) {
      alphabet.bytes(of: $0)
    } id: {
      ids[$0]
    }
    return BytePairEncoding(
      vocabulary: vocabulary, byteTokens: byteTokens, merges: rules, form: form,
      template: try template(vocabulary))
  }

  /// The rules of a byte-pair encoding.
  ///
  /// - Parameters:
  ///   - bytes: Of a written token; nil: it is none.
  ///   - id: Of a token's bytes; nil: there is none.
  func merges(
    _ merges: [JSONValue], bytes: (String) -> [UInt8]?, id: (ArraySlice<UInt8>) -> Int32?
  ) throws(TokenizerError) -> [BytePairEncoding.Merge] {
    var rules: [BytePairEncoding.Merge] = []
    rules.reserveCapacity(merges.count)
    for merge in merges {
      guard let parts = Self.parts(of: merge), let left = bytes(parts.left),
        let right = bytes(parts.right), let leftID = id(left[...]), let rightID = id(right[...]),
        let result = id((left + right)[...])
      else {
        throw unsupported(
          "model.merges", merge, expected: "two tokens whose concatenation is a token too")
      }
      rules.append(BytePairEncoding.Merge(left: leftID, right: rightID, result: result))
    }
    return rules
  }

  /// Both tokens of a merge, written "a b" or ["a", "b"].
  private static func parts(of merge: JSONValue) -> (left: String, right: String)? {
    let parts: [String]
    if let text = merge.string {
      parts = text.unicodeScalars.split(separator: " ").map { String($0) }
    } else {
      parts = merge.array?.compactMap(\.string) ?? []
    }
    return parts.count == 2 ? (parts[0], parts[1]) : nil
  }
}
