/// Writes tokenizers in the form that Hugging Face's `tokenizers` reads.
///
/// Bytes and characters are byte-pair encodings to that library: the bytes are one without merges, the
/// characters one without merges whose alphabet is not bytes. So the file needs no word of its own
/// for the kind, and the library encodes as Lockstep does.
struct TokenizerJSON {
  private var text = JSONWriter()

  /// What a file says besides its tokens: values in JSON.
  struct Parts {
    var truncation = "null"
    var normalizer = "null"
    var preTokenizer = "null"
    var postProcessor = "null"
    var decoder: String
    /// The members of `model` before `vocab`, by their names.
    var model: [(name: String, value: String)]

    /// - Parameter template: Of `tokenizer`.
    init(of tokenizer: some Tokenizer, decoder: String, model: [(name: String, value: String)]) {
      truncation = tokenizer.template.truncationJSON
      normalizer = tokenizer.normalizer.json
      postProcessor = tokenizer.template.json(tokenizer.vocabulary)
      self.decoder = decoder
      self.model = model
    }
  }

  /// - Parameters:
  ///   - vocabulary: The tokens by id.
  ///   - spelling: How a token that is not added is written.
  ///   - merges: Pairs of written tokens, which have no spaces; nil: there are none to be written.
  init(
    _ vocabulary: Vocabulary, _ parts: Parts, spelling: (Int32) -> String,
    merges: [(String, String)]?
  ) {
    func name(of id: Int32) -> String {
      vocabulary.isAdded(id)
        ? String(decoding: vocabulary.bytes(of: id), as: UTF8.self) : spelling(id)
    }
    text.append(
      #"""
      {
        "version": "1.0",
        "truncation": \#(parts.truncation),
        "padding": null,
        "added_tokens": [
      """#)
    appendList(vocabulary.added.sorted { $0.key < $1.key }) { token, text in
      text.append(#"    {"id": \#(token.key), "content": "#)
      text.append(quoting: token.value.content)
      for (name, flag) in AddedToken.flags {
        text.append(#", "\#(name)": \#(token.value[keyPath: flag])"#)
      }
      text.append("}")
    }
    text.append(
      #"""
        ],
        "normalizer": \#(parts.normalizer),
        "pre_tokenizer": \#(parts.preTokenizer),
        "post_processor": \#(parts.postProcessor),
        "decoder": \#(parts.decoder),
        "model": {

      """#)
    for (name, value) in parts.model { text.append(#"    "\#(name)": \#(value),"# + "\n") }
    text.append(#"    "vocab": {"#)
    appendList(vocabulary.modelTokens) { id, text in
      text.append("      ")
      text.append(quoting: name(of: id))
      text.append(": \(id)")
    }
    text.append("    }")
    if let merges {
      text.append(",\n    \"merges\": [")
      appendList(merges) { merge, text in
        text.append("      ")
        text.append(quoting: merge.0 + " " + merge.1)
      }
      text.append("    ]")
    }
    text.append("\n  }\n}\n")
  }

  /// The file's bytes.
  var bytes: [UInt8] { text.bytes }

  private mutating func appendList<Element>(
    _ elements: [Element], _ append: (Element, inout JSONWriter) -> Void
  ) {
    text.append("\n")
    for (index, element) in elements.enumerated() {
      append(element, &text)
      text.append(index + 1 < elements.count ? ",\n" : "\n")
    }
  }

  /// The members of a byte-pair encoding's `model`.
  static func bytePairs(
    unknown: String? = nil, fusesUnknown: Bool = false, hasByteFallback: Bool = false,
    ignoresMerges: Bool = false
  ) -> [(name: String, value: String)] {
    [
      ("type", #""BPE""#), ("dropout", "null"),
      ("unk_token", unknown.map(JSONWriter.quoted) ?? "null"),
      ("continuing_subword_prefix", "null"), ("end_of_word_suffix", "null"),
      ("fuse_unk", "\(fusesUnknown)"), ("byte_fallback", "\(hasByteFallback)"),
      ("ignore_merges", "\(ignoresMerges)"),
    ]
  }

  /// Text as bytes, cut into words by GPT-2's pattern if `useRegex`.
  static func byteLevel(useRegex: Bool, addsPrefixSpace: Bool = false) -> String {
    #"{"type": "ByteLevel", "add_prefix_space": \#(addsPrefixSpace), "trim_offsets": true, "#
      + #""use_regex": \#(useRegex)}"#
  }
}

extension SplitPattern {
  /// The value of `pre_tokenizer`.
  ///
  /// - Parameter addsPrefixSpace: GPT-2's pattern only.
  fileprivate func json(addsPrefixSpace: Bool) -> String {
    let first =
      switch self {
      case .gpt2: ""
      case .digits: #"{"type": "Digits", "individual_digits": true}"#
      case .llama3, .qwen2:
        #"{"type": "Split", "pattern": {"Regex": \#(JSONWriter.quoted(expression ?? ""))}, "#
          + #""behavior": "Isolated", "invert": false}"#
      }
    if first.isEmpty {
      return TokenizerJSON.byteLevel(useRegex: true, addsPrefixSpace: addsPrefixSpace)
    }
    let last = TokenizerJSON.byteLevel(useRegex: self == .digits)
    return #"{"type": "Sequence", "pretokenizers": [\#(first), \#(last)]}"#
  }
}

extension BytePairEncoding {
  public func tokenizerJSON() -> [UInt8] {
    let alphabet = ByteAlphabet()
    func name(of id: Int32) -> String { alphabet.text(of: vocabulary.bytes(of: id)) }
    var parts = TokenizerJSON.Parts(
      of: self, decoder: TokenizerJSON.byteLevel(useRegex: true),
      model: TokenizerJSON.bytePairs(ignoresMerges: form.ignoresMerges))
    parts.preTokenizer = form.pattern.json(addsPrefixSpace: form.addsPrefixSpace)
    return TokenizerJSON(
      vocabulary, parts, spelling: name(of:),
      merges: merges.map { (name(of: $0.left), name(of: $0.right)) }
    ).bytes
  }
}

extension ByteTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    let alphabet = ByteAlphabet()
    var parts = TokenizerJSON.Parts(
      of: self, decoder: TokenizerJSON.byteLevel(useRegex: false),
      model: TokenizerJSON.bytePairs())
    parts.preTokenizer = TokenizerJSON.byteLevel(useRegex: false)
    return TokenizerJSON(
      vocabulary, parts, spelling: { alphabet.text(of: vocabulary.bytes(of: $0)) }, merges: []
    ).bytes
  }
}

extension CharacterTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    TokenizerJSON(
      vocabulary,
      TokenizerJSON.Parts(
        of: self, decoder: #"{"type": "Fuse"}"#, model: TokenizerJSON.bytePairs()),
      spelling: { String(decoding: vocabulary.bytes(of: $0), as: UTF8.self) }, merges: []
    ).bytes
  }
}

extension SentencePieceTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    let decoders = [
      #"{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}"#,
      #"{"type": "ByteFallback"}"#, #"{"type": "Fuse"}"#,
    ]
    let strip = #"{"type": "Strip", "content": " ", "start": 1, "stop": 0}"#
    let list = (decoders + (form.dropsFirstSpace ? [strip] : [])).joined(separator: ", ")
    var parts = TokenizerJSON.Parts(
      of: self, decoder: #"{"type": "Sequence", "decoders": [\#(list)]}"#,
      model: TokenizerJSON.bytePairs(
        unknown: form.unknownName, fusesUnknown: form.fusesUnknown, hasByteFallback: true,
        ignoresMerges: form.ignoresMerges))
    if case .cutting(let prefix, let splits) = form.spaces {
      parts.preTokenizer =
        #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "\#(prefix.rawValue)", "#
        + #""split": \#(splits)}"#
    }
    return TokenizerJSON(
      vocabulary, parts, spelling: written(_:),
      merges: merges.map { (written($0.left), written($0.right)) }
    ).bytes
  }

  /// A token as files write it: with "▁" for spaces, bytes as "<0x0A>".
  func written(_ token: Int32) -> String {
    let bytes = vocabulary.bytes(of: token)
    if bytes.count == 1, byteTokens[Int(bytes[bytes.startIndex])] == token {
      return "<0x" + bytes.hexadecimal.uppercased() + ">"
    }
    return String(decoding: bytes.flatMap { $0 == 0x20 ? Self.space : [$0] }, as: UTF8.self)
  }
}

extension WordPieceTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    func written(_ token: Int32) -> String {
      String(decoding: vocabulary.bytes(of: token), as: UTF8.self)
    }
    let prefix = JSONWriter.quoted(form.prefix)
    var parts = TokenizerJSON.Parts(
      of: self,
      decoder:
        #"{"type": "WordPiece", "prefix": \#(prefix), "cleanup": \#(form.joinsPunctuation)}"#,
      model: [
        ("type", #""WordPiece""#), ("unk_token", JSONWriter.quoted(written(form.unknown))),
        ("continuing_subword_prefix", prefix),
        ("max_input_chars_per_word", "\(form.longestWord)"),
      ])
    parts.preTokenizer = #"{"type": "BertPreTokenizer"}"#
    return TokenizerJSON(vocabulary, parts, spelling: written, merges: nil).bytes
  }
}
