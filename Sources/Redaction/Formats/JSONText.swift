/// JSON, in lines or as one document: strings that are no keys are redacted, all else stays as it is.
struct JSONText: BlockRedactor {
  let redactor: Redactor

  func blockEnd(in bytes: UnsafeBufferPointer<UInt8>, least: Int) -> Int? {
    var start = least
    // No string goes on behind a line's end; a key's colon may stand there.
    while let end = LineEnd.next(in: bytes, from: start) {
      guard let next = bytes[(end + 1)...].first(where: { !$0.isSpace }) else { return nil }
      if next != UInt8(ascii: ":") { return end + 1 }
      start = end + 1
    }
    return nil
  }

  /// The last key says what a list holds that goes on behind the block.
  func hints(
    behind block: UnsafeBufferPointer<UInt8>, _ hints: [TextScanner.Hint]
  ) -> [TextScanner.Hint] {
    var end = block.count
    while end > 0 {
      let line = block[..<(end - 1)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      if let hint = Self.lastKey(in: block, line..<end) { return [hint] }
      end = line
    }
    return hints
  }

  /// What the last key of a line says; nil where there is none.
  private static func lastKey(
    in block: UnsafeBufferPointer<UInt8>, _ line: Range<Int>
  ) -> TextScanner.Hint? {
    var key: Range<Int>?
    var place = line.lowerBound
    while let start = block[place..<line.upperBound].firstIndex(of: UInt8(ascii: "\"")),
      let end = stringEnd(in: block, from: start + 1)
    {
      if isKey(in: block, from: end + 1) { key = start + 1..<end }
      place = end + 1
    }
    guard let key else { return nil }
    // An escape that is none is told of when the block is redacted.
    return JSONEscapes.decoded(UnsafeBufferPointer(rebasing: block[key]))?
      .withUnsafeBufferPointer { TextScanner.Hint(name: $0) }
  }

  func redacted(_ block: UnsafeBufferPointer<UInt8>, hints: [TextScanner.Hint]) -> RedactedBlock {
    var result = RedactedBlock(output: [])
    result.output.reserveCapacity(block.count + block.count / 16)
    var hint = hints.first ?? TextScanner.Hint()
    var copied = 0
    var place = 0
    while place < block.count {
      let byte = block[place]
      guard byte == UInt8(ascii: "\"") else {
        guard Self.isOutside(byte) else {
          return Self.problem("\(Self.name(of: byte)) outside of a string is no JSON", block, place)
        }
        place += 1
        continue
      }
      guard let end = Self.stringEnd(in: block, from: place + 1) else {
        return Self.problem("a string without an end, which is no JSON", block, place)
      }
      let raw = UnsafeBufferPointer(rebasing: block[place + 1..<end])
      let hasEscapes = raw.contains(UInt8(ascii: "\\"))
      var content: [UInt8]?
      if hasEscapes {
        content = JSONEscapes.decoded(raw)
        guard content != nil else {
          return Self.problem("an escape that JSON does not have", block, place)
        }
      }
      let isKey = Self.isKey(in: block, from: end + 1)
      func use(_ text: UnsafeBufferPointer<UInt8>) {
        if isKey {
          hint = TextScanner.Hint(name: text)
        } else if let redacted = redactor.redacted(text, hint, &result.counts) {
          result.output += block[copied...place]
          JSONEscapes.append(redacted, to: &result.output)
          copied = end
        }
      }
      if let content { content.withUnsafeBufferPointer(use) } else { use(raw) }
      place = end + 1
    }
    result.output += block[copied...]
    return result
  }

  private static func problem(
    _ reason: String, _ block: UnsafeBufferPointer<UInt8>, _ place: Int
  ) -> RedactedBlock {
    let line = block[..<place].count { $0 == UInt8(ascii: "\n") }
    return RedactedBlock(output: [], problem: (line, reason))
  }

  /// Where a string's closing quotation mark is; nil where it has none before the line's end.
  private static func stringEnd(in block: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    var place = start
    while place < block.count {
      switch block[place] {
      case UInt8(ascii: "\""): return place
      case UInt8(ascii: "\n"): return nil
      // The escaped byte belongs to the string, but a line's end ends all.
      case UInt8(ascii: "\\")
      where place + 1 < block.count && block[place + 1] != UInt8(ascii: "\n"):
        place += 2
      default: place += 1
      }
    }
    return nil
  }

  private static func isKey(in block: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    let next = block[start...].first { !$0.isSpace }
    return next == UInt8(ascii: ":")
  }

  /// Whether a byte may stand outside of strings: brackets, numbers, true, false, null, NaN, Infinity.
  private static func isOutside(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
      UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "."):
      true
    default: byte.isSpace || byte.isDigit || "truefalsnNIiyE".utf8.contains(byte)
    }
  }

  private static func name(of byte: UInt8) -> String {
    0x21...0x7E ~= byte
      ? "'\(Character(Unicode.Scalar(byte)))'" : "the byte \(byte)"
  }
}

/// The escapes within a string of JSON (RFC 8259, 7).
enum JSONEscapes {
  /// - Returns: Nil where an escape is none.
  static func decoded(_ raw: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var place = 0
    while place < raw.count {
      guard raw[place] == UInt8(ascii: "\\") else {
        bytes.append(raw[place])
        place += 1
        continue
      }
      guard place + 1 < raw.count else { return nil }
      place += 2
      switch raw[place - 1] {
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(raw[place - 1])
      case UInt8(ascii: "u"):
        guard let unit = unit(raw, at: place) else { return nil }
        place += 4
        if 0xD800...0xDBFF ~= unit, place + 1 < raw.count, raw[place] == UInt8(ascii: "\\"),
          raw[place + 1] == UInt8(ascii: "u"), let low = self.unit(raw, at: place + 2),
          0xDC00...0xDFFF ~= low
        {
          place += 6
          append(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00), to: &bytes)
        } else {
          append(unit, to: &bytes)
        }
      default: return nil
      }
    }
    return bytes
  }

  private static func unit(_ raw: UnsafeBufferPointer<UInt8>, at place: Int) -> UInt32? {
    guard place + 4 <= raw.count else { return nil }
    var unit: UInt32 = 0
    for byte in raw[place..<place + 4] {
      guard byte.isHexadecimal else { return nil }
      unit = unit << 4 | UInt32(byte.digitValue)
    }
    return unit
  }

  /// As UTF-8 does it, and with half a surrogate pair as if that were a character.
  private static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(scalar >> shift & 0x3F | 0x80) }
    switch scalar {
    case ..<0x80: bytes.append(UInt8(scalar))
    case ..<0x800: bytes += [UInt8(scalar >> 6 | 0xC0), tail(0)]
    case ..<0x10000: bytes += [UInt8(scalar >> 12 | 0xE0), tail(6), tail(0)]
    default: bytes += [UInt8(scalar >> 18 | 0xF0), tail(12), tail(6), tail(0)]
    }
  }

  /// Appends a string's content with the escapes that it needs.
  static func append(_ content: [UInt8], to output: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    func escape(_ unit: Int) {
      output += Array("\\u".utf8)
      for shift in [12, 8, 4, 0] { output.append(digits[unit >> shift & 15]) }
    }
    var place = 0
    while place < content.count {
      let byte = content[place]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
      case 0x0A: output += Array("\\n".utf8)
      case 0x09: output += Array("\\t".utf8)
      case 0x0D: output += Array("\\r".utf8)
      case ..<0x20: escape(Int(byte))
      case 0xED
      where place + 2 < content.count && 0xA0...0xBF ~= content[place + 1]
        && content[place + 2] & 0xC0 == 0x80:
        // Half a surrogate pair, which UTF-8 does not have. Other bytes behind it are damaged text.
        escape(
          Int(byte & 0x0F) << 12 | Int(content[place + 1] & 0x3F) << 6
            | Int(content[place + 2] & 0x3F))
        place += 2
      default: output.append(byte)
      }
      place += 1
    }
  }
}
