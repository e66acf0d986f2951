/// How Python writes values.
extension TemplateRenderer {
  /// `str(value)`.
  func text(of value: TemplateValue) throws -> String {
    switch value {
    case .undefined: return ""
    case .text(let text): return text
    default: return try representation(of: value)
    }
  }

  /// `repr(value)`: as it would stand in a program.
  func representation(of value: TemplateValue) throws -> String {
    var text = ""
    try write(value, to: &text)
    return text
  }

  private func write(_ value: TemplateValue, to text: inout String) throws {
    try charge(1)
    switch value {
    case .undefined: text += "Undefined"
    case .none: text += "None"
    case .boolean(let value): text += value ? "True" : "False"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += value.pythonText
    case .text(let value):
      try charge(bytes: value.utf8.count)
      text += value.pythonRepresentation
    case .sequence(let sequence):
      guard sequence.kind == .list || sequence.kind == .tuple else {
        throw lacking("\(sequence.kind.rawValue) as text")
      }
      let isList = sequence.kind == .list
      text += isList ? "[" : "("
      for (index, element) in sequence.elements.enumerated() {
        if index > 0 { text += ", " }
        try write(element, to: &text)
      }
      if !isList && sequence.elements.count == 1 { text += "," }
      text += isList ? "]" : ")"
    case .mapping(let mapping):
      text += "{"
      for (index, (key, value)) in zip(mapping.keys, mapping.values).enumerated() {
        if index > 0 { text += ", " }
        try write(key, to: &text)
        text += ": "
        try write(value, to: &text)
      }
      text += "}"
    case .generator, .namespace, .loop, .macro, .function, .method:
      throw lacking("\(value.typeName) as text")
    }
  }
}

extension Double {
  /// As Python writes it: as few digits as tell it from its neighbours.
  var pythonText: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    let sign = self.sign == .minus ? "-" : ""
    guard self != 0 else { return sign + "0.0" }
    // Swift chooses the same digits, and writes them with an exponent elsewhere.
    let parts = "\(magnitude)".split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    var digits = Array(mantissa[0].utf8) + Array(fraction.utf8)
    var exponent = mantissa[0].utf8.count - 1 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.count > 1, digits[0] == UInt8(ascii: "0") {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
    func text(_ digits: some Sequence<UInt8>) -> String {
      String(decoding: Array(digits), as: UTF8.self)
    }
    if exponent < -4 || exponent >= 16 {
      let rest = digits.count > 1 ? "." + text(digits.dropFirst()) : ""
      let size = "\(exponent.magnitude)"
      return sign + text(digits.prefix(1)) + rest + "e" + (exponent < 0 ? "-" : "+")
        + (size.utf8.count < 2 ? "0" : "") + size
    }
    if exponent < 0 {
      return sign + "0." + String(repeating: "0", count: -exponent - 1) + text(digits)
    }
    let whole = text(digits.prefix(exponent + 1))
    let padding = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
    let rest = text(digits.dropFirst(exponent + 1))
    return sign + whole + padding + "." + (rest.isEmpty ? "0" : rest)
  }
}

extension String {
  /// In quotation marks, as Python's `repr` writes it.
  var pythonRepresentation: String {
    let hasSingle = utf8.contains(UInt8(ascii: "'"))
    let quote: Unicode.Scalar = hasSingle && !utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
    var text = UnicodeScalarView()
    text.append(quote)
    for scalar in unicodeScalars {
      switch scalar {
      case quote, "\\":
        text.append("\\")
        text.append(scalar)
      case "\n": text.append(contentsOf: "\\n".unicodeScalars)
      case "\r": text.append(contentsOf: "\\r".unicodeScalars)
      case "\t": text.append(contentsOf: "\\t".unicodeScalars)
      default:
        if scalar.isPythonPrintable {
          text.append(scalar)
        } else {
          text.append(contentsOf: scalar.pythonEscape.unicodeScalars)
        }
      }
    }
    text.append(quote)
    return String(text)
  }
}

extension Unicode.Scalar {
  fileprivate var isPythonPrintable: Bool {
    if self == " " { return true }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }

  fileprivate var pythonEscape: String {
    let (mark, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    let digits = String(value, radix: 16)
    return "\\" + mark + String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
