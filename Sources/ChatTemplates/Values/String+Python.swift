import Foundation

/// What Python does with texts, character by character.
extension String {
  /// Without these characters at its ends; nil: white space.
  func stripped(_ characters: String? = nil, left: Bool = true, right: Bool = true) -> String {
    let given = characters.map { Set($0.unicodeScalars) }
    func isTaken(_ scalar: Unicode.Scalar) -> Bool {
      given?.contains(scalar) ?? scalar.isPythonSpace
    }
    var rest = Substring(self).unicodeScalars
    if left { while let first = rest.first, isTaken(first) { rest.removeFirst() } }
    if right { while let last = rest.last, isTaken(last) { rest.removeLast() } }
    return String(rest)
  }

  var pythonUppercase: String {
    unicodeScalars.reduce(into: "") { $0 += $1.properties.uppercaseMapping }
  }

  var pythonLowercase: String {
    let scalars = Array(unicodeScalars)
    var text = ""
    for (index, scalar) in scalars.enumerated() {
      // A sigma that ends a word has a form of its own.
      text +=
        scalar == "\u{3A3}" && Self.endsWord(index, in: scalars)
        ? "\u{3C2}" : scalar.properties.lowercaseMapping
    }
    return text
  }

  private static func endsWord(_ index: Int, in scalars: [Unicode.Scalar]) -> Bool {
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let behind = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && behind?.properties.isCased != true
  }

  /// The first character large, all others small.
  var pythonCapitalized: String {
    guard let first = unicodeScalars.first else { return "" }
    return first.properties.titlecaseMapping
      + String(
        pythonLowercase.unicodeScalars.dropFirst(
          first.properties.lowercaseMapping.unicodeScalars.count))
  }

  /// The first letter of each run of letters large, as Python's `str.title` has it.
  var pythonTitle: String {
    var (text, isInside) = ("", false)
    for scalar in unicodeScalars {
      let properties = scalar.properties
      text += isInside ? properties.lowercaseMapping : properties.titlecaseMapping
      isInside = properties.isCased
    }
    return text
  }

  /// The lines, without what ends them. `TemplateRenderer.lines` counts what this costs.
  fileprivate func pythonLines(keepingEnds: Bool) -> [String] {
    var (lines, line) = ([String](), String.UnicodeScalarView())
    var scalars = Array(unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      guard scalar.endsPythonLine else {
        line.append(scalar)
        continue
      }
      var end = [scalar]
      if scalar == "\r", scalars.first == "\n" { end.append(scalars.removeFirst()) }
      if keepingEnds { line.append(contentsOf: end) }
      lines.append(String(line))
      line = String.UnicodeScalarView()
    }
    if !line.isEmpty { lines.append(String(line)) }
    return lines
  }

  /// The bytes from a place on, in which a character begins.
  func suffix(fromByte place: Int) -> String {
    String(decoding: utf8.dropFirst(place), as: UTF8.self)
  }

  func prefix(bytes count: Int) -> String { String(decoding: utf8.prefix(count), as: UTF8.self) }
}

extension Unicode.Scalar {
  fileprivate var endsPythonLine: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

extension TemplateRenderer {
  /// Where a part of a text begins first, in bytes.
  func find(_ part: String, in text: String, from start: Int = 0) throws -> Int? {
    if part.isEmpty { return start }
    var (part, text) = (part, text)
    return try part.withUTF8 { part in
      try text.withUTF8 { text in try find(part, in: text, from: start) }
    }
  }

  private func find(
    _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) throws -> Int? {
    guard let first = part.baseAddress, let base = text.baseAddress else { return nil }
    var place = start
    while place + part.count <= text.count {
      let last = text.count - part.count
      guard let candidate = memchr(base + place, Int32(part[0]), last - place + 1) else {
        try charge(bytes: last - place)
        return nil
      }
      let found = UnsafeRawPointer(candidate) - UnsafeRawPointer(base)
      // Texts of few different characters are compared often and far.
      try charge(bytes: found - place + part.count)
      if memcmp(base + found, first, part.count) == 0 { return found }
      place = found + 1
    }
    return nil
  }

  /// The parts of a text between separators.
  ///
  /// - Parameter most: Separations at most; nil: all.
  func split(_ text: String, by separator: String, most: Int?) throws -> [String] {
    var parts: [String] = []
    let bytes = Array(text.utf8)
    var start = 0
    while most.map({ parts.count < $0 }) ?? true,
      let found = try find(separator, in: text, from: start)
    {
      parts.append(String(decoding: bytes[start..<found], as: UTF8.self))
      start = found + separator.utf8.count
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  /// A text with others in the place of its parts.
  func replace(_ old: String, by new: String, in text: String, most: Int?) throws -> String {
    if old.isEmpty {
      // Between all characters, and at both ends.
      try charge(4 * text.utf8.count)
      var (result, count) = ("", 0)
      for scalar in text.unicodeScalars {
        if most.map({ count < $0 }) ?? true {
          result += new
          count += 1
          try charge(bytes: new.utf8.count)
        }
        result.unicodeScalars.append(scalar)
      }
      return most.map({ count < $0 }) ?? true ? result + new : result
    }
    let parts = try split(text, by: old, most: most)
    try charge(bytes: (parts.count - 1) * new.utf8.count)
    return parts.joined(separator: new)
  }

  /// The lines of a text, without what ends them.
  func lines(of text: String, keepingEnds: Bool = false) throws -> [String] {
    // Each may be one character, and is a text of its own.
    try charge(4 * text.utf8.count)
    return text.pythonLines(keepingEnds: keepingEnds)
  }

  /// The parts of a text between white space.
  func words(_ text: String, most: Int?) throws -> [String] {
    try charge(4 * text.utf8.count)
    var words: [String] = []
    var rest = Substring(text).unicodeScalars
    while true {
      rest = rest.drop(while: \.isPythonSpace)
      guard !rest.isEmpty else { return words }
      if let most, words.count >= most {
        return words + [String(rest).stripped(left: false)]
      }
      let word = rest.prefix { !$0.isPythonSpace }
      words.append(String(word))
      rest = rest[word.endIndex...]
    }
  }
}
