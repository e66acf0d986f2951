/// Blocks of private keys, as OpenSSL, OpenSSH and PGP write them, over several lines or with `\n` in one.
enum PrivateKeyDetector {
  /// Bytes within which a block's end is looked for.
  static let longest = 64 << 10

  static func find(in text: Text, _ findings: inout [Finding]) {
    var place = 0
    while let begin = nextBegin(in: text, from: place) {
      let end = end(after: begin.upperBound, in: text)
      findings.append(Finding(kind: .privateKey, range: begin.lowerBound..<end))
      place = end
    }
  }

  /// The next `-----BEGIN … PRIVATE KEY-----`.
  static func nextBegin(in text: Text, from start: Int) -> Range<Int>? {
    marker("-----BEGIN ", in: text, from: start)
  }

  /// Follows a text line by line, and tells whether the block that began last is still open.
  struct Course {
    /// Where it began; nil where it has ended, or none has begun.
    private var begin: Int?

    /// - Parameters:
    ///   - text: Up to the end of a line.
    ///   - start: Where this line begins; those before it were seen.
    /// - Returns: Whether a block is open at the text's end.
    mutating func isOpen(atEndOf text: Text, from start: Int) -> Bool {
      var place = start
      while let found = nextBegin(in: text, from: place) {
        begin = found.lowerBound
        place = found.upperBound
      }
      if begin != nil, marker("-----END ", in: text, from: place) != nil { begin = nil }
      return begin.map { text.count - $0 < longest } ?? false
    }
  }

  private static func marker(
    _ beginning: StaticString, in text: Text, from start: Int
  ) -> Range<Int>? {
    var place = start
    while place < text.count, let found = text.first(beginning, in: place..<text.count) {
      place = found + beginning.utf8CodeUnitCount
      let most = min(text.count, place + 64)
      var label = place
      while label < most, text[label].isUpper || text[label].isDigit || text[label] == 0x20 {
        label += 1
      }
      guard text.has("-----", at: label) else { continue }
      let isPrivate =
        text.has("PRIVATE KEY", at: label - 11) || text.has("PRIVATE KEY BLOCK", at: label - 17)
      if isPrivate { return found..<label + 5 }
    }
    return nil
  }

  /// The end of the block, or of what looks like one where its last line is missing.
  private static func end(after start: Int, in text: Text) -> Int {
    let near = Text(base: text.base, count: min(text.count, start + longest + 128))
    if let end = marker("-----END ", in: near, from: start), end.lowerBound - start < longest {
      return end.upperBound
    }
    var (place, end) = (start, start)
    while place < text.count, place - start < longest {
      let byte = text[place]
      if byte.isAlphanumeric || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
        || byte == UInt8(ascii: "=")
      {
        place += 1
        end = place
      } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        || byte == UInt8(ascii: "\\")
      {
        place += 1
      } else {
        break
      }
    }
    // A word of the sentence behind it is no part of the key.
    return end - start >= 40 ? end : start
  }
}
