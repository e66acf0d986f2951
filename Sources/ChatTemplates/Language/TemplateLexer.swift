/// Cuts a template into tokens, as Jinja does with `trim_blocks` and `lstrip_blocks`, which is how
/// `transformers` reads chat templates.
///
/// A line feed right behind a statement or comment is left out, and so are blanks between the
/// beginning of a line and a statement or comment. `-` inside of the brackets takes all white space on
/// that side, `+` keeps it. One line feed at the template's end is left out.
struct TemplateLexer {
  private let source: [Unicode.Scalar]
  private var position = 0
  private var line = 1
  private var tokens: [TemplateToken] = []

  /// - Parameter source: The template's text.
  /// - Throws: `TemplateFailure`.
  static func tokens(of source: String) throws(TemplateFailure) -> [TemplateToken] {
    var lexer = TemplateLexer(source)
    try lexer.run()
    return lexer.tokens
  }

  private init(_ text: String) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      // A carriage return with its line feed is one line end.
      if scalar == "\n" && scalars.last == "\r" { scalars.removeLast() }
      scalars.append(scalar)
    }
    source = Self.withoutLastLineEnd(scalars.map { $0 == "\r" ? "\n" : $0 })
  }

  private static func withoutLastLineEnd(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    scalars.last == "\n" ? scalars.dropLast() : scalars
  }

  private func failure(_ reason: String, line: Int? = nil) -> TemplateFailure {
    TemplateFailure(line: line ?? self.line, kind: .syntax, reason: reason)
  }

  private func isAt(_ text: StaticString, _ place: Int) -> Bool {
    var place = place
    return text.withUTF8Buffer { bytes in
      for byte in bytes {
        guard place < source.count, source[place].value == UInt32(byte) else { return false }
        place += 1
      }
      return true
    }
  }

  private mutating func append(_ kind: TemplateToken.Kind, line: Int? = nil) {
    tokens.append(TemplateToken(kind: kind, line: line ?? self.line))
  }

  private mutating func advance(to place: Int) {
    for index in position..<place where source[index] == "\n" { line += 1 }
    position = place
  }

  // MARK: - Text between the tags

  private mutating func run() throws(TemplateFailure) {
    var isLineStart = true
    while let tag = nextTag() {
      let isExpression = isAt("{{", tag)
      let sign = tag + 2 < source.count ? source[tag + 2] : " "
      var text = source[position..<tag]
      let textLine = line
      if sign == "-" {
        while let last = text.last, last.isPythonSpace { text.removeLast() }
      } else if sign != "+" && !isExpression {
        let start = text.lastIndex(of: "\n").map { $0 + 1 }
        if start != nil || isLineStart {
          let blanks = text[(start ?? text.startIndex)...]
          if blanks.allSatisfy(\.isPythonSpace) { text.removeLast(blanks.count) }
        }
      }
      if !text.isEmpty { append(.data(String(text)), line: textLine) }
      advance(to: tag)
      if isAt("{#", tag) {
        try skipComment()
      } else {
        try readTag(isExpression: isExpression, skipsSign: sign == "-" || sign == "+")
      }
      isLineStart = position > 0 && source[position - 1] == "\n"
    }
    if position < source.count { append(.data(String(source[position...]))) }
    advance(to: source.count)
    append(.end)
  }

  private func nextTag() -> Int? {
    var place = position
    while place + 1 < source.count {
      if source[place] == "{", ["{", "%", "#"].contains(source[place + 1]) { return place }
      place += 1
    }
    return nil
  }

  private mutating func skipComment() throws(TemplateFailure) {
    let begin = line
    var place = position + 2
    while place < source.count, !isAt("#}", place) { place += 1 }
    guard place < source.count else { throw failure("a comment without an end", line: begin) }
    // Of `{#-#}` the sign is the beginning's.
    let sign = place > position + 2 ? source[place - 1] : " "
    advance(to: place + 2)
    skipBehindTag(sign: sign, takesLineEnd: true)
  }

  /// Takes the white space that belongs to the tag before it.
  private mutating func skipBehindTag(sign: Unicode.Scalar, takesLineEnd: Bool) {
    var place = position
    if sign == "-" {
      while place < source.count, source[place].isPythonSpace { place += 1 }
    } else if sign != "+" && takesLineEnd, place < source.count, source[place] == "\n" {
      place += 1
    }
    advance(to: place)
  }

  // MARK: - Inside of a tag

  private mutating func readTag(isExpression: Bool, skipsSign: Bool) throws(TemplateFailure) {
    append(isExpression ? .expressionBegin : .statementBegin)
    let begin = line
    advance(to: position + (skipsSign ? 3 : 2))
    // Brackets that are open: a `}` of theirs does not end the tag.
    var open: [Unicode.Scalar] = []
    while true {
      while position < source.count, source[position].isPythonSpace { advance(to: position + 1) }
      guard position < source.count else { throw failure("a tag without an end", line: begin) }
      if open.isEmpty {
        let signs = ["-", "+"].contains(source[position]) ? 1 : 0
        let ends =
          isExpression
          ? isAt("}}", position + signs) && source[position] != "+" : isAt("%}", position + signs)
        if ends {
          let sign: Unicode.Scalar = signs == 1 ? source[position] : " "
          if tokens.last?.kind == .name("raw"), case .statementBegin? = tokens.dropLast().last?.kind
          {
            throw TemplateFailure(line: begin, kind: .lacking, reason: "the statement 'raw'")
          }
          append(isExpression ? .expressionEnd : .statementEnd)
          advance(to: position + 2 + signs)
          skipBehindTag(sign: sign, takesLineEnd: !isExpression)
          return
        }
      }
      try readToken(&open)
    }
  }

  private mutating func readToken(_ open: inout [Unicode.Scalar]) throws(TemplateFailure) {
    let scalar = source[position]
    if scalar.isDigit {
      try readNumber()
    } else if scalar == "_" || scalar.properties.isXIDStart {
      let start = position
      var end = position
      while end < source.count, source[end] == "_" || source[end].properties.isXIDContinue {
        end += 1
      }
      append(.name(String(source[start..<end])))
      advance(to: end)
    } else if scalar == "'" || scalar == "\"" {
      try readText(quote: scalar)
    } else {
      try readSymbol(&open)
    }
  }

  private static let symbols = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
  ]
  private static let closing: [Unicode.Scalar: Unicode.Scalar] = [")": "(", "]": "[", "}": "{"]

  private mutating func readSymbol(_ open: inout [Unicode.Scalar]) throws(TemplateFailure) {
    let rest = String(source[position..<min(position + 2, source.count)])
    guard let symbol = Self.symbols.first(where: rest.hasPrefix) else {
      throw failure("the sign '\(source[position])'")
    }
    let scalar = source[position]
    if let begin = Self.closing[scalar] {
      guard open.popLast() == begin else { throw failure("'\(scalar)' closes nothing") }
    } else if ["(", "[", "{"].contains(scalar) {
      open.append(scalar)
    }
    append(.symbol(symbol))
    advance(to: position + symbol.unicodeScalars.count)
  }

  private mutating func readNumber() throws(TemplateFailure) {
    var end = position
    func digits() {
      while end < source.count,
        source[end].isDigit
          || source[end] == "_" && end + 1 < source.count && source[end + 1].isDigit
      {
        end += 1
      }
    }
    digits()
    var isFraction = false
    // A number behind a dot is the index of `x.0`, and `1.` is a number with a dot behind it.
    let isIndex = position > 0 && source[position - 1] == "."
    if !isIndex, end + 1 < source.count, source[end] == ".", source[end + 1].isDigit {
      isFraction = true
      end += 1
      digits()
    }
    if !isIndex, end < source.count, source[end] == "e" || source[end] == "E" {
      var exponent = end + 1
      if exponent < source.count, ["+", "-"].contains(source[exponent]) { exponent += 1 }
      if exponent < source.count, source[exponent].isDigit {
        isFraction = true
        end = exponent
        digits()
      }
    }
    let text = String(source[position..<end].filter { $0 != "_" })
    if end < source.count, source[end].properties.isXIDContinue {
      throw failure("a number, '\(text)', with '\(source[end])' behind it")
    }
    if isFraction {
      guard let value = Double(text), value.isFinite else {
        throw failure("the number \(text) is too large")
      }
      append(.number(value))
    } else {
      guard text.utf8.first != UInt8(ascii: "0") || text.allSatisfy({ $0 == "0" }) else {
        throw failure("the number \(text) begins with a zero")
      }
      guard let value = Int(text) else { throw failure("the number \(text) is too large") }
      append(.integer(value))
    }
    advance(to: end)
  }

  // MARK: - Quoted text

  private mutating func readText(quote: Unicode.Scalar) throws(TemplateFailure) {
    let begin = line
    var text = String.UnicodeScalarView()
    var place = position + 1
    while place < source.count, source[place] != quote {
      guard source[place] == "\\", place + 1 < source.count else {
        text.append(source[place])
        place += 1
        continue
      }
      place += 1
      try readEscape(&place, into: &text)
    }
    guard place < source.count else { throw failure("a text without an end", line: begin) }
    append(.text(String(text)))
    advance(to: place + 1)
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}",
    "f": "\u{C}", "v": "\u{B}",
  ]

  /// Reads what stands behind a backslash, by Python's rules.
  private func readEscape(
    _ place: inout Int, into text: inout String.UnicodeScalarView
  ) throws(TemplateFailure) {
    let scalar = source[place]
    place += 1
    if scalar == "\n" { return }
    if let escaped = Self.escapes[scalar] { return text.append(escaped) }
    let lengths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
    if let count = lengths[scalar] {
      text.append(try self.scalar(&place, digits: count, radix: 16, isExact: true))
    } else if ("0"..."7").contains(scalar) {
      place -= 1
      text.append(try self.scalar(&place, digits: 3, radix: 8, isExact: false))
    } else if scalar == "N" {
      throw TemplateFailure(line: line, kind: .lacking, reason: "the escape \\N of a text")
    } else {
      text.append("\\")
      text.append(scalar)
    }
  }

  private func scalar(
    _ place: inout Int, digits: Int, radix: UInt32, isExact: Bool
  ) throws(TemplateFailure) -> Unicode.Scalar {
    var (value, count) = (UInt32(0), 0)
    while count < digits, place < source.count, let digit = source[place].digit(radix: radix) {
      // Eight digits may be more than fit.
      value = value &* radix &+ digit
      (place, count) = (place + 1, count + 1)
    }
    guard !isExact || count == digits, let scalar = Unicode.Scalar(value) else {
      throw failure("a text with an escape that is no character")
    }
    return scalar
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` and its regular expressions take for white space.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
      0x205F, 0x3000:
      true
    default: false
    }
  }

  fileprivate var isDigit: Bool { ("0"..."9").contains(self) }

  fileprivate func digit(radix: UInt32) -> UInt32? {
    let digit: UInt32? =
      switch self {
      case "0"..."9": value - 0x30
      case "a"..."f": value - 0x61 + 10
      case "A"..."F": value - 0x41 + 10
      default: nil
      }
    return digit.flatMap { $0 < radix ? $0 : nil }
  }
}

extension String {
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}
