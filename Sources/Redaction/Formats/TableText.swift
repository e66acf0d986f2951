/// Tables: each field is redacted by itself, and the name of its column is a hint to what it holds.
struct TableText: BlockRedactor {
  let redactor: Redactor
  let delimiter: UInt8
  /// Whether a field may stand in quotation marks (RFC 4180).
  let hasQuotes: Bool

  func blockEnd(in bytes: UnsafeBufferPointer<UInt8>, least: Int) -> Int? {
    var place = 0
    while place < bytes.count {
      guard let field = nextField(in: bytes, from: place), field.end < bytes.count else {
        return nil
      }
      place = field.end + 1
      if place > least, bytes[field.end] == UInt8(ascii: "\n") { return place }
    }
    return nil
  }

  func redacted(_ block: UnsafeBufferPointer<UInt8>, hints: [TextScanner.Hint]) -> RedactedBlock {
    var result = RedactedBlock(output: [])
    result.output.reserveCapacity(block.count + block.count / 16)
    var place = 0
    var column = 0
    while place < block.count {
      guard let field = nextField(in: block, from: place) else {
        let line = block[..<place].count { $0 == UInt8(ascii: "\n") }
        return RedactedBlock(
          output: [], problem: (line, "a field in quotation marks without an end"))
      }
      let hint = column < hints.count ? hints[column] : TextScanner.Hint()
      if let redacted = redacted(field, in: block, hint, &result.counts) {
        result.output += redacted
      } else {
        result.output += block[place..<field.end]
      }
      guard field.end < block.count else { break }
      result.output.append(block[field.end])
      column = block[field.end] == UInt8(ascii: "\n") ? 0 : column + 1
      place = field.end + 1
    }
    return result
  }

  /// What the names of the first row's columns say.
  func hints(_ bytes: UnsafeBufferPointer<UInt8>) -> [TextScanner.Hint] {
    var hints: [TextScanner.Hint] = []
    var place = 0
    while place < bytes.count, let field = nextField(in: bytes, from: place) {
      hints.append(TextScanner.Hint(name: UnsafeBufferPointer(rebasing: bytes[field.content])))
      guard field.end < bytes.count, bytes[field.end] == delimiter else { break }
      place = field.end + 1
    }
    return hints
  }

  private struct Field {
    /// Without its quotation marks.
    let content: Range<Int>
    let isQuoted: Bool
    /// Where its delimiter or line feed is, or the end.
    let end: Int
  }

  /// - Returns: Nil where a field in quotation marks does not end.
  private func nextField(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Field? {
    var place = start
    guard hasQuotes, place < bytes.count, bytes[place] == UInt8(ascii: "\"") else {
      while place < bytes.count, bytes[place] != delimiter, bytes[place] != UInt8(ascii: "\n") {
        place += 1
      }
      let hasReturn = place > start && bytes[place - 1] == UInt8(ascii: "\r")
      return Field(content: start..<(hasReturn ? place - 1 : place), isQuoted: false, end: place)
    }
    place += 1
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "\"") {
        guard place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: "\"") else { break }
        place += 1
      }
      place += 1
    }
    guard place < bytes.count else { return nil }
    let content = start + 1..<place
    // What follows the closing mark is kept as it is.
    while place < bytes.count, bytes[place] != delimiter, bytes[place] != UInt8(ascii: "\n") {
      place += 1
    }
    return Field(content: content, isQuoted: true, end: place)
  }

  private func redacted(
    _ field: Field, in bytes: UnsafeBufferPointer<UInt8>, _ hint: TextScanner.Hint,
    _ counts: inout RedactionCounts
  ) -> [UInt8]? {
    let content = UnsafeBufferPointer(rebasing: bytes[field.content])
    guard field.isQuoted else {
      guard let redacted = redactor.redacted(content, hint, &counts) else { return nil }
      return redacted + bytes[field.content.upperBound..<field.end]
    }
    let mark = UInt8(ascii: "\"")
    var text: [UInt8] = []
    text.reserveCapacity(content.count)
    var place = 0
    while place < content.count {
      text.append(content[place])
      place += content[place] == mark ? 2 : 1
    }
    let redacted = text.withUnsafeBufferPointer { redactor.redacted($0, hint, &counts) }
    guard let redacted else { return nil }
    return [mark] + redacted.flatMap { $0 == mark ? [mark, mark] : [$0] }
      + bytes[field.content.upperBound..<field.end]
  }
}
