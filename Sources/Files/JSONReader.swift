/// Reads a JSON text (RFC 8259).
package struct JSONReader {
  /// Where and why a text is no JSON.
  package struct Failure: Error, CustomStringConvertible {
    /// The place of the failure, in bytes.
    package var offset: Int
    package var reason: String

    package var description: String { "\(reason) at byte \(offset)" }
  }

  /// Arrays and objects may be nested this deep.
  private static let deepest = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// The value of a JSON text.
  ///
  /// - Throws: `Failure` with the byte offset at which the text stops being JSON.
  package static func value(of text: [UInt8]) throws(Failure) -> JSONValue {
    let result = text.withUnsafeBufferPointer { bytes in
      Result { () throws(Failure) in
        var reader = JSONReader(bytes)
        let value = try reader.readValue()
        reader.skipWhitespace()
        if reader.position < bytes.count { throw reader.failure("text after the end of the value") }
        return value
      }
    }
    return try result.get()
  }

  private func failure(_ reason: String) -> Failure {
    Failure(offset: position, reason: reason)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhitespace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    guard current == UInt8(ascii: character) else {
      throw failure(
        current == nil ? "the file ends where '\(character)' should be" : "expected '\(character)'")
    }
    position += 1
  }

  private mutating func readValue() throws(Failure) -> JSONValue {
    skipWhitespace()
    switch current {
    case UInt8(ascii: "{"): return try readObject()
    case UInt8(ascii: "["): return try readArray()
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readName("true", .bool(true))
    case UInt8(ascii: "f"): return try readName("false", .bool(false))
    case UInt8(ascii: "n"): return try readName("null", .null)
    case nil: throw failure("the file ends where a value should be")
    default: return try readNumber()
    }
  }

  private mutating func readName(_ name: String, _ value: JSONValue) throws(Failure) -> JSONValue {
    let end = position + name.utf8.count
    guard end <= bytes.count, bytes[position..<end].elementsEqual(name.utf8) else {
      throw failure("expected a value")
    }
    position = end
    return value
  }

  private mutating func readNumber() throws(Failure) -> JSONValue {
    let start = position
    passIfPresent("-")
    // Zeros in front are no JSON.
    if !passIfPresent("0") { try passDigits(of: start) }
    if passIfPresent(".") { try passDigits(of: start) }
    if passIfPresent("e") || passIfPresent("E") {
      if !passIfPresent("+") { passIfPresent("-") }
      try passDigits(of: start)
    }
    let number = Double(String(decoding: bytes[start..<position], as: UTF8.self))
    guard let number, number.isFinite else {
      position = start
      throw failure("a number that is too large")
    }
    return .number(number)
  }

  @discardableResult
  private mutating func passIfPresent(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Passes at least one digit of the number that began at `start`.
  private mutating func passDigits(of start: Int) throws(Failure) {
    let first = position
    while let byte = current, Self.digits.contains(byte) { position += 1 }
    if position == first {
      position = start
      throw failure("expected a value")
    }
  }

  private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

  private mutating func enter() throws(Failure) {
    depth += 1
    if depth > Self.deepest { throw failure("nested deeper than \(Self.deepest) levels") }
    position += 1
    skipWhitespace()
  }

  private mutating func readArray() throws(Failure) -> JSONValue {
    try enter()
    var elements: [JSONValue] = []
    while current != UInt8(ascii: "]") {
      if !elements.isEmpty { try expect(",") }
      elements.append(try readValue())
      skipWhitespace()
    }
    position += 1
    depth -= 1
    return .array(elements)
  }

  private mutating func readObject() throws(Failure) -> JSONValue {
    try enter()
    var members: [(key: String, value: JSONValue)] = []
    var keys: Set<[UInt8]> = []
    while current != UInt8(ascii: "}") {
      if !members.isEmpty { try expect(",") }
      skipWhitespace()
      let start = position
      let key = try readString()
      // Readers differ in which of two values they take; by bytes, for strings that are shown alike are
      // two tokens.
      guard keys.insert(Array(key.utf8)).inserted else {
        position = start
        throw failure("the key '\(key.prefix(40))' a second time in one object")
      }
      skipWhitespace()
      try expect(":")
      members.append((key: key, value: try readValue()))
      skipWhitespace()
    }
    position += 1
    depth -= 1
    return .object(members)
  }

  private mutating func readString() throws(Failure) -> String {
    try expect("\"")
    let start = position
    while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    if current == UInt8(ascii: "\"") {
      position += 1
      return try text(of: bytes[start..<(position - 1)], from: start)
    }
    var characters = Array(bytes[start..<position])
    while let byte = current, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw failure("a control character in a string") }
      position += 1
      if byte == UInt8(ascii: "\\") {
        characters.append(contentsOf: String(try readEscape()).utf8)
      } else {
        characters.append(byte)
      }
    }
    try expect("\"")
    return try text(of: characters, from: start)
  }

  /// What would be read as U+FFFD instead is refused: it would be another token.
  private mutating func text(
    of characters: some Collection<UInt8>, from start: Int
  ) throws(Failure) -> String {
    guard let text = String(validating: characters, as: UTF8.self) else {
      position = start
      throw failure("a string that is not UTF-8")
    }
    return text
  }

  private mutating func readEscape() throws(Failure) -> Unicode.Scalar {
    let byte = current
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readHexadecimalEscape()
    default:
      position -= 1
      throw failure("an unknown escape in a string")
    }
  }

  /// The four digits after `\u`, with those of the second half if they are a high surrogate.
  private mutating func readHexadecimalEscape() throws(Failure) -> Unicode.Scalar {
    var value = try readFourDigits()
    if (0xD800...0xDBFF).contains(value) {
      try expect("\\")
      try expect("u")
      let low = try readFourDigits()
      guard (0xDC00...0xDFFF).contains(low) else { throw failure("half of a surrogate pair") }
      value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(value) else { throw failure("half of a surrogate pair") }
    return scalar
  }

  private mutating func readFourDigits() throws(Failure) -> UInt32 {
    // The standard library's numbers may have a sign.
    let digits = bytes[position..<min(position + 4, bytes.count)].compactMap {
      Character(Unicode.Scalar($0)).hexDigitValue
    }
    guard digits.count == 4 else { throw failure("expected four hexadecimal digits") }
    position += 4
    return digits.reduce(0) { $0 << 4 | UInt32($1) }
  }
}
