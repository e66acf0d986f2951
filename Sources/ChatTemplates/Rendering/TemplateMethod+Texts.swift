extension TemplateMethod {
  /// A method of Python's `str`.
  func call(
    on text: String, _ given: GivenArguments, _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    func match(_ parameters: [String], required: Int = 0) throws -> [TemplateValue?] {
      try given.matched("'\(name)'", parameters, required: required, in: renderer)
    }
    func texts(_ parameters: [String]) throws -> [String] {
      try match(parameters, required: parameters.count).map {
        try renderer.requireText($0 ?? .none, of: "'\(name)'")
      }
    }
    switch name {
    case "strip", "lstrip", "rstrip":
      var characters: String?
      if let value = try match(["chars"])[0], !value.isNone {
        let given = try renderer.requireText(value, of: "'\(name)'")
        try renderer.charge(bytes: given.utf8.count)
        characters = given
      }
      return try renderer.text(
        text.stripped(characters, left: name != "rstrip", right: name != "lstrip"))
    case "split", "rsplit": return try split(text, match(["sep", "maxsplit"]), renderer)
    case "splitlines":
      let keeps = try match(["keepends"])[0]?.isTrue ?? false
      return try renderer.list(
        renderer.lines(of: text, keepingEnds: keeps).map { .text($0) })
    case "startswith", "endswith": return try hasEnd(text, given, renderer)
    case "replace":
      let matched = try match(["old", "new", "count"], required: 2)
      let count = try matched[2].map { try renderer.requireWhole($0, of: "'replace'") }
      return try renderer.text(
        renderer.replace(
          renderer.requireText(matched[0] ?? .none, of: "'replace'"),
          by: renderer.requireText(matched[1] ?? .none, of: "'replace'"), in: text,
          most: count.flatMap { $0 < 0 ? nil : $0 }))
    case "join":
      let parts = try renderer.elements(of: match(["iterable"], required: 1)[0] ?? .none)
      let texts = try parts.map { try renderer.requireText($0, of: "'join'") }
      return .text(try renderer.joined(texts, separator: text))
    case "find", "rfind", "count": return try count(texts(["sub"])[0], in: text, renderer)
    case "removeprefix", "removesuffix":
      let part = try texts(["part"])[0].utf8
      let rest = text.utf8.count - part.count
      if name == "removeprefix" {
        return .text(text.utf8.starts(with: part) ? text.suffix(fromByte: part.count) : text)
      }
      let hasIt = rest >= 0 && text.utf8.suffix(part.count).elementsEqual(part)
      return .text(hasIt ? text.prefix(bytes: rest) : text)
    case "partition", "rpartition": return try partition(text, texts(["sep"])[0], renderer)
    default:
      _ = try match([])
      return try plain(text, renderer)
    }
  }

  /// The result of a method that takes no arguments.
  private func plain(_ text: String, _ renderer: TemplateRenderer) throws -> TemplateValue {
    let scalars = text.unicodeScalars
    switch name {
    case "upper": return try renderer.text(text.pythonUppercase)
    case "lower": return try renderer.text(text.pythonLowercase)
    case "title": return try renderer.text(text.pythonTitle)
    case "capitalize": return try renderer.text(text.pythonCapitalized)
    case "isdigit":
      return .boolean(
        !text.isEmpty
          && scalars.allSatisfy {
            [.digit, .decimal].contains($0.properties.numericType)
          })
    case "isspace": return .boolean(!text.isEmpty && scalars.allSatisfy(\.isPythonSpace))
    case "isupper": return .boolean(text.isPythonUppercase)
    default: return .boolean(text.isPythonLowercase)
    }
  }

  private func split(
    _ text: String, _ matched: [TemplateValue?], _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    let most = try matched[1].map { try renderer.requireWhole($0, of: "'\(name)'") }
      .flatMap { $0 < 0 ? nil : $0 }
    let separator = matched[0].flatMap { $0.isNone ? nil : $0 }
    if name == "rsplit", most != nil {
      guard let separator else {
        throw renderer.lacking("'rsplit' at white space with a number")
      }
      let wanted = try renderer.requireText(separator, of: "'rsplit'")
      guard !wanted.isEmpty else { throw renderer.evaluation("'rsplit' by an empty text") }
      let parts = try renderer.split(text, by: wanted, most: nil)
      let count = min(most ?? 0, parts.count - 1)
      let head = parts.dropLast(count).joined(separator: wanted)
      // Separators that overlap are found from the other end.
      guard try !overlapsItself(wanted, renderer) else {
        throw renderer.lacking("'rsplit' by a text that overlaps itself")
      }
      return try renderer.list(([head] + parts.suffix(count)).map { .text($0) })
    }
    guard let separator else {
      return try renderer.list(renderer.words(text, most: most).map { .text($0) })
    }
    let wanted = try renderer.requireText(separator, of: "'\(name)'")
    guard !wanted.isEmpty else { throw renderer.evaluation("'\(name)' by an empty text") }
    if name == "rsplit", try overlapsItself(wanted, renderer) {
      throw renderer.lacking("'rsplit' by a text that overlaps itself")
    }
    return try renderer.list(
      renderer.split(text, by: wanted, most: most).map { .text($0) })
  }

  /// Whether an end of a text is its beginning, as in "aa".
  private func overlapsItself(_ text: String, _ renderer: TemplateRenderer) throws -> Bool {
    let bytes = Array(text.utf8)
    for count in 1..<max(1, bytes.count) {
      try renderer.charge(bytes: count)
      if bytes.prefix(count) == bytes.suffix(count) { return true }
    }
    return false
  }

  private func hasEnd(
    _ text: String, _ given: GivenArguments, _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    let value = try given.matched("'\(name)'", ["part"], required: 1, in: renderer)[0] ?? .none
    var parts = [value]
    if case .sequence(let sequence) = value, sequence.kind == .tuple { parts = sequence.elements }
    for part in parts {
      let part = try renderer.requireText(part, of: "'\(name)'").utf8
      try renderer.charge(bytes: part.count)
      let holds =
        name == "startswith"
        ? text.utf8.starts(with: part) : text.utf8.suffix(part.count).elementsEqual(part)
      if holds { return .boolean(true) }
    }
    return .boolean(false)
  }

  private func count(
    _ part: String, in text: String, _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    if name == "count" {
      guard !part.isEmpty else { return .integer(text.unicodeScalars.count + 1) }
      return .integer(try renderer.split(text, by: part, most: nil).count - 1)
    }
    guard name == "find" else {
      var (place, last) = (try renderer.find(part, in: text), Int?.none)
      if part.isEmpty { return .integer(text.unicodeScalars.count) }
      while let found = place {
        last = found
        place = try renderer.find(part, in: text, from: found + 1)
      }
      return .integer(last.map { text.prefix(bytes: $0).unicodeScalars.count } ?? -1)
    }
    let found = try renderer.find(part, in: text)
    return .integer(found.map { text.prefix(bytes: $0).unicodeScalars.count } ?? -1)
  }

  private func partition(
    _ text: String, _ separator: String, _ renderer: TemplateRenderer
  ) throws -> TemplateValue {
    guard !separator.isEmpty else { throw renderer.evaluation("'\(name)' by an empty text") }
    var place = try renderer.find(separator, in: text)
    if name == "rpartition" {
      while let found = place, let next = try renderer.find(separator, in: text, from: found + 1) {
        place = next
      }
    }
    guard let place else {
      let parts = name == "partition" ? [text, "", ""] : ["", "", text]
      return try renderer.list(parts.map { .text($0) }, .tuple)
    }
    let parts = [
      text.prefix(bytes: place), separator, text.suffix(fromByte: place + separator.utf8.count),
    ]
    return try renderer.list(parts.map { .text($0) }, .tuple)
  }
}

extension TemplateValue {
  var isNone: Bool { if case .none = self { true } else { false } }
}

extension String {
  /// Whether all letters that have a case are large, and there is one.
  var isPythonUppercase: Bool {
    unicodeScalars.contains {
      $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter
    }
      && !unicodeScalars.contains {
        $0.properties.isLowercase || $0.properties.generalCategory == .titlecaseLetter
      }
  }

  var isPythonLowercase: Bool {
    unicodeScalars.contains { $0.properties.isLowercase }
      && !unicodeScalars.contains {
        $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter
      }
  }
}
