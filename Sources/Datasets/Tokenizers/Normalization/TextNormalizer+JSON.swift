import LockstepFiles

extension TextNormalizer {
  /// The value of `normalizer` in a `tokenizer.json`.
  var json: String {
    let written = steps.map(\.json)
    return switch written.count {
    case 0: "null"
    case 1: written[0]
    default:
      #"{"type": "Sequence", "normalizers": ["# + written.joined(separator: ", ") + "]}"
    }
  }
}

extension TextNormalizer.Step {
  fileprivate var json: String {
    switch self {
    case .composed: #"{"type": "NFC"}"#
    case .decomposed: #"{"type": "NFD"}"#
    case .lowercase: #"{"type": "Lowercase"}"#
    case .bert(let bert):
      #"{"type": "BertNormalizer", "clean_text": \#(bert.cleansText), "#
        + #""handle_chinese_chars": \#(bert.separatesIdeographs), "#
        + #""strip_accents": \#(bert.stripsAccents), "lowercase": \#(bert.lowercases)}"#
    case .prepend(let prefix):
      #"{"type": "Prepend", "prepend": \#(JSONWriter.quoted(prefix))}"#
    case .replace(let found, let replacement):
      #"{"type": "Replace", "pattern": {"String": \#(JSONWriter.quoted(found))}, "#
        + #""content": \#(JSONWriter.quoted(replacement))}"#
    }
  }
}

extension TokenizerFile {
  /// - Throws: `TokenizerError.unsupported` for a normaliser that is not known.
  func normalizer() throws(TokenizerError) -> TextNormalizer {
    guard let value = root["normalizer"], !value.isNull else { return TextNormalizer() }
    return TextNormalizer(try steps(of: value, key: "normalizer"))
  }

  private func steps(
    of value: JSONValue, key: String
  ) throws(TokenizerError) -> [TextNormalizer.Step] {
    let type = value["type"]?.string
    func require(_ keys: [String]) throws(TokenizerError) {
      try requireKeys(of: value, ["type"] + keys, section: key + ".")
    }
    switch type {
    case "Sequence":
      try require(["normalizers"])
      var steps: [TextNormalizer.Step] = []
      for part in try array("normalizers", of: value, section: key + ".") {
        steps += try self.steps(of: part, key: key)
      }
      return steps
    case "NFC", "NFD", "Lowercase":
      try require([])
      return [type == "NFC" ? .composed : type == "NFD" ? .decomposed : .lowercase]
    case "Prepend":
      try require(["prepend"])
      return [.prepend(try string("prepend", of: value, section: key + "."))]
    case "Replace":
      try require(["pattern", "content"])
      guard let found = value["pattern"]?["String"]?.string, !found.isEmpty else {
        throw unsupported(
          key + ".pattern", value["pattern"], expected: "a 'String' that is not empty")
      }
      return [.replace(found, by: try string("content", of: value, section: key + "."))]
    case "BertNormalizer":
      try require(["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"])
      func flag(_ name: String) throws(TokenizerError) -> Bool {
        try bool(name, of: value, section: key + ".", default: true)
      }
      let lowercases = try flag("lowercase")
      let strips =
        value["strip_accents"]?.isNull ?? true ? lowercases : try flag("strip_accents")
      return [
        .bert(
          BERTNormalization(
            cleansText: try flag("clean_text"),
            separatesIdeographs: try flag("handle_chinese_chars"), stripsAccents: strips,
            lowercases: lowercases))
      ]
    default:
      throw unsupported(
        key + ".type", value["type"],
        expected: "NFC, NFD, Lowercase, BertNormalizer, Prepend, Replace or a Sequence of them")
    }
  }
}
