/// `tojson`, as `transformers` gives it to templates: Python's `json.dumps`.
struct PythonJSON {
  var escapesAll = false
  /// Of each level; nil: all on one line.
  var indentation: String?
  var separators: (item: String, key: String)?
  var sortsKeys = false

  func text(of value: TemplateValue, in renderer: TemplateRenderer) throws -> String {
    var text = ""
    try write(value, level: 0, to: &text, in: renderer)
    return text
  }

  private func write(
    _ value: TemplateValue, level: Int, to text: inout String, in renderer: TemplateRenderer
  ) throws {
    try renderer.charge(1)
    switch value {
    case .none: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value):
      text +=
        value.isFinite
        ? value.pythonText : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    case .text(let value): try write(value, to: &text, in: renderer)
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      try write(sequence.elements, "[", "]", level: level, to: &text, renderer) { element, text in
        try write(element, level: level + 1, to: &text, in: renderer)
      }
    case .mapping(let mapping):
      var members = Array(zip(mapping.keys, mapping.values))
      if sortsKeys {
        members = try renderer.sorted(members, isReversed: false) { $0.0 }
      }
      try write(members, "{", "}", level: level, to: &text, renderer) { member, text in
        try write(key(member.0, renderer), to: &text, in: renderer)
        let separator = separators?.key ?? ": "
        try renderer.charge(bytes: separator.utf8.count)
        text += separator
        try write(member.1, level: level + 1, to: &text, in: renderer)
      }
    default: throw renderer.evaluation("tojson of \(value.typeName)")
    }
  }

  private func write<Element>(
    _ elements: [Element], _ begin: String, _ end: String, level: Int, to text: inout String,
    _ renderer: TemplateRenderer, _ writeElement: (Element, inout String) throws -> Void
  ) throws {
    text += begin
    if elements.isEmpty {
      text += end
      return
    }
    for (index, element) in elements.enumerated() {
      if index > 0 {
        let separator = separators?.item ?? (indentation == nil ? ", " : ",")
        try renderer.charge(bytes: separator.utf8.count)
        text += separator
      }
      try lineEnd(level + 1, to: &text, renderer)
      try writeElement(element, &text)
    }
    try lineEnd(level, to: &text, renderer)
    text += end
  }

  private func lineEnd(
    _ level: Int, to text: inout String, _ renderer: TemplateRenderer
  ) throws {
    guard let indentation else { return }
    try renderer.charge(bytes: level * indentation.utf8.count)
    text += "\n" + String(repeating: indentation, count: level)
  }

  private func key(_ value: TemplateValue, _ renderer: TemplateRenderer) throws -> String {
    switch value {
    case .text(let text): return text
    case .none: return "null"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return "\(value)"
    case .number(let value): return value.pythonText
    default: throw renderer.evaluation("tojson of a mapping with \(value.typeName) as a key")
    }
  }

  private func write(
    _ value: String, to text: inout String, in renderer: TemplateRenderer
  ) throws {
    try renderer.charge(bytes: value.utf8.count)
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      default:
        if scalar.value < 0x20 || escapesAll && scalar.value > 0x7E {
          for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
            let digits = String(unit, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
          }
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }
}
