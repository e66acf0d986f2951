import LockstepFiles

extension TextTemplate {
  /// The value of `post_processor` in a `tokenizer.json`.
  func json(_ vocabulary: Vocabulary) -> String {
    if single == TextTemplate().single && pair == TextTemplate().pair { return "null" }
    let ids = Set((single + pair).compactMap(\.token)).sorted()
    func name(_ id: Int32) -> String {
      JSONWriter.quoted(String(decoding: vocabulary.bytes(of: id), as: UTF8.self))
    }
    func list(_ pieces: [Piece]) -> String {
      pieces.map { piece in
        let (kind, id) =
          switch piece {
          case .text: ("Sequence", #""A""#)
          case .second: ("Sequence", #""B""#)
          case .token(let id, _): ("SpecialToken", name(id))
          }
        return #"{"\#(kind)": {"id": \#(id), "type_id": \#(piece.segment)}}"#
      }.joined(separator: ", ")
    }
    let tokens = ids.map { id in
      #"\#(name(id)): {"id": \#(name(id)), "ids": [\#(id)], "tokens": [\#(name(id))]}"#
    }.joined(separator: ", ")
    return
      #"{"type": "TemplateProcessing", "single": [\#(list(single))], "pair": [\#(list(pair))], "#
      + #""special_tokens": {\#(tokens)}}"#
  }

  /// The value of `truncation` in a `tokenizer.json`.
  var truncationJSON: String {
    guard let limit else { return "null" }
    return
      #"{"direction": "Right", "max_length": \#(limit), "strategy": "LongestFirst", "stride": 0}"#
  }
}

extension TokenizerFile {
  /// What the file's `post_processor` and `truncation` say.
  ///
  /// - Parameter vocabulary: Whose tokens the template's are.
  /// - Throws: `TokenizerError.unsupported` for what is not known.
  func template(_ vocabulary: Vocabulary) throws(TokenizerError) -> TextTemplate {
    let limit = try limit()
    var template = TextTemplate()
    if let value = root["post_processor"], !value.isNull {
      template = try self.template(of: value, vocabulary) ?? template
    }
    return TextTemplate(single: template.single, pair: template.pair, limit: limit)
  }

  /// The most tokens of an input.
  private func limit() throws(TokenizerError) -> Int? {
    guard let value = root["truncation"], !value.isNull else { return nil }
    let section = "truncation."
    try requireKeys(
      of: value, ["direction", "max_length", "strategy", "stride"], section: section)
    for (key, expected) in [("direction", "Right"), ("strategy", "LongestFirst")] {
      if let found = value[key], found.string != expected {
        throw unsupported(section + key, found, expected: "'\(expected)'")
      }
    }
    if let found = value["stride"], found.integer != 0 {
      throw unsupported(section + "stride", found, expected: "0, for Lockstep cuts inputs once")
    }
    guard let limit = value["max_length"]?.integer, limit > 0 else {
      throw unsupported(section + "max_length", value["max_length"], expected: "a number from 1")
    }
    return Int(limit)
  }

  /// Nil: it adds nothing.
  private func template(
    of value: JSONValue, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> TextTemplate? {
    let section = "post_processor."
    switch value["type"]?.string {
    case "ByteLevel":
      // What is said of offsets changes no tokens.
      try requireKeys(
        of: value, ["type", "add_prefix_space", "trim_offsets", "use_regex"], section: section)
      return nil
    case "Sequence":
      try requireKeys(of: value, ["type", "processors"], section: section)
      var found: [TextTemplate] = []
      for part in try array("processors", of: value, section: section) {
        if let template = try template(of: part, vocabulary) { found.append(template) }
      }
      guard found.count < 2 else {
        throw unsupported("post_processor", value, expected: "one template, not \(found.count)")
      }
      return found.first
    case "TemplateProcessing":
      try requireKeys(of: value, ["type", "single", "pair", "special_tokens"], section: section)
      return TextTemplate(
        single: try pieces("single", of: value, vocabulary),
        pair: try pieces("pair", of: value, vocabulary))
    case "BertProcessing":
      try requireKeys(of: value, ["type", "sep", "cls"], section: section)
      return TextTemplate(
        beginning: try token("cls", of: value, vocabulary),
        end: try token("sep", of: value, vocabulary), repeatsBeginning: false)
    case "RobertaProcessing":
      try requireKeys(
        of: value, ["type", "sep", "cls", "trim_offsets", "add_prefix_space"], section: section)
      let (begin, end) = (
        try token("cls", of: value, vocabulary), try token("sep", of: value, vocabulary)
      )
      let first: [TextTemplate.Piece] = [
        .token(begin, segment: 0), .text(segment: 0), .token(end, segment: 0),
      ]
      return TextTemplate(
        single: first,
        pair: first + [.token(end, segment: 0), .second(segment: 0), .token(end, segment: 0)])
    default:
      throw unsupported(
        section + "type", value["type"],
        expected: "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or a Sequence")
    }
  }

  private func pieces(
    _ key: String, of value: JSONValue, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> [TextTemplate.Piece] {
    let section = "post_processor." + key
    var pieces: [TextTemplate.Piece] = []
    for part in try array(key, of: value, section: "post_processor.") {
      guard let (kind, content) = part.members?.first, part.members?.count == 1,
        let id = content["id"]?.string, let segment = content["type_id"]?.integer
      else {
        throw unsupported(section, part, expected: "a Sequence or SpecialToken with id and type_id")
      }
      switch (kind, id) {
      case ("Sequence", "A"): pieces.append(.text(segment: segment))
      case ("Sequence", "B"): pieces.append(.second(segment: segment))
      case ("SpecialToken", _):
        pieces += try tokens(named: id, of: value, vocabulary).map { .token($0, segment: segment) }
      default: throw unsupported(section, part, expected: "a Sequence A or B, or a SpecialToken")
      }
    }
    let texts = pieces.filter { $0.token == nil }
    let seconds = texts.filter { if case .second = $0 { true } else { false } }
    guard texts.count == (key == "pair" ? 2 : 1), seconds.count == texts.count - 1 else {
      throw unsupported(
        section, value[key],
        expected: key == "pair" ? "each of A and B once" : "A once, and no B")
    }
    return pieces
  }

  /// The tokens of a name in a template.
  private func tokens(
    named name: String, of value: JSONValue, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> [Int32] {
    let key = "post_processor.special_tokens"
    guard let ids = value["special_tokens"]?[name]?["ids"]?.array, !ids.isEmpty else {
      throw unsupported(key, value["special_tokens"], expected: "the ids of '\(name)'")
    }
    var tokens: [Int32] = []
    for id in ids {
      guard let token = id.integer, vocabulary.isAdded(token) else {
        throw unsupported(key, id, expected: "ids of added tokens")
      }
      tokens.append(token)
    }
    return tokens
  }

  /// A token as `["[SEP]", 102]`.
  private func token(
    _ key: String, of value: JSONValue, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> Int32 {
    guard let parts = value[key]?.array, parts.count == 2, parts[0].string != nil,
      let id = parts[1].integer, vocabulary.isAdded(id)
    else {
      throw unsupported(
        "post_processor." + key, value[key], expected: "an added token's text and its id")
    }
    return id
  }
}
