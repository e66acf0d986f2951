/// Writes tokenizers in the form that Hugging Face's `tokenizers` reads.
///
/// All three kinds are byte-pair encodings to that library: the bytes are one without merges, the
/// characters one without merges whose alphabet is not bytes. So the file needs no word of its own
/// for the kind, and the library encodes as Lockstep does.
struct TokenizerJSON {
  private var text = JSONText()

  /// - Parameters:
  ///   - vocabulary: The tokens by id.
  ///   - spelling: How a token's bytes are written.
  ///   - merges: Pairs of written tokens; only byte-level ones, which have no spaces.
  ///   - preTokenizer: The value of `pre_tokenizer`, JSON.
  ///   - decoder: The value of `decoder`, JSON.
  init(
    vocabulary: Vocabulary, spelling: (ArraySlice<UInt8>) -> String, merges: [(String, String)],
    preTokenizer: String, decoder: String
  ) {
    let ids = 0..<Int32(vocabulary.count)
    func name(of id: Int32) -> String {
      vocabulary.isAdded(id)
        ? String(decoding: vocabulary.bytes(of: id), as: UTF8.self)
        : spelling(vocabulary.bytes(of: id))
    }
    text.append(
      #"""
      {
        "version": "1.0",
        "truncation": null,
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
        "normalizer": null,
        "pre_tokenizer": \#(preTokenizer),
        "post_processor": null,
        "decoder": \#(decoder),
        "model": {
          "type": "BPE",
          "dropout": null,
          "unk_token": null,
          "continuing_subword_prefix": null,
          "end_of_word_suffix": null,
          "fuse_unk": false,
          "byte_fallback": false,
          "ignore_merges": false,
          "vocab": {
      """#)
    appendList(Array(ids)) { id, text in
      text.append("      ")
      text.append(quoting: name(of: id))
      text.append(": \(id)")
    }
    text.append("    },\n    \"merges\": [")
    appendList(merges) { merge, text in
      text.append("      ")
      text.append(quoting: merge.0 + " " + merge.1)
    }
    text.append("    ]\n  }\n}\n")
  }

  /// The file's bytes.
  var bytes: [UInt8] { text.bytes }

  private mutating func appendList<Element>(
    _ elements: [Element], _ append: (Element, inout JSONText) -> Void
  ) {
    text.append("\n")
    for (index, element) in elements.enumerated() {
      append(element, &text)
      text.append(index + 1 < elements.count ? ",\n" : "\n")
    }
  }

  /// Text as bytes, cut into words by GPT-2's pattern if `useRegex`.
  static func byteLevel(useRegex: Bool) -> String {
    #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "#
      + #""use_regex": \#(useRegex)}"#
  }
}

extension BytePairEncoding {
  public func tokenizerJSON() -> [UInt8] {
    let alphabet = ByteAlphabet()
    func name(of id: Int32) -> String { alphabet.text(of: vocabulary.bytes(of: id)) }
    return TokenizerJSON(
      vocabulary: vocabulary, spelling: alphabet.text(of:),
      merges: merges.map { (name(of: $0.left), name(of: $0.right)) },
      preTokenizer: TokenizerJSON.byteLevel(useRegex: true),
      decoder: TokenizerJSON.byteLevel(useRegex: true)
    ).bytes
  }
}

extension ByteTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    TokenizerJSON(
      vocabulary: vocabulary, spelling: ByteAlphabet().text(of:), merges: [],
      preTokenizer: TokenizerJSON.byteLevel(useRegex: false),
      decoder: TokenizerJSON.byteLevel(useRegex: false)
    ).bytes
  }
}

extension CharacterTokenizer {
  public func tokenizerJSON() -> [UInt8] {
    TokenizerJSON(
      vocabulary: vocabulary, spelling: { String(decoding: $0, as: UTF8.self) }, merges: [],
      preTokenizer: "null", decoder: #"{"type": "Fuse"}"#
    ).bytes
  }
}
