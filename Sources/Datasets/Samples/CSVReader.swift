import LockstepFiles

/// Reads a table of comma-separated values row by row (RFC 4180), and refuses what that form does not
/// have.
///
/// Fields may be quoted; inside, commas and line breaks are text, and a quote is doubled. Blanks around
/// a field are not part of it unless it is quoted. Lines end with LF, CRLF or CR; empty ones are passed
/// over, but for those whose one field is quoted. A byte order mark in front is no part of the first field.
struct CSVReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let path: String
  /// Of the next row, in bytes.
  private(set) var position: Int
  /// The next row's, from 1.
  private(set) var line: Int
  /// Of the last row: the next one has as many.
  private var fieldCount = 0

  /// - Parameters:
  ///   - bytes: The file; must outlive the reader.
  ///   - path: Named in errors.
  ///   - line: The number of the first line. Default: 1, the beginning of a file.
  /// - Throws: `SampleDataError.otherEncoding`.
  init(
    _ bytes: UnsafeBufferPointer<UInt8>, path: String, line: Int = 1
  ) throws(SampleDataError) {
    self.bytes = bytes
    self.path = path
    self.line = line
    guard line == 1 else {
      position = 0
      return
    }
    do throws(ByteOrderMark.NotUTF8) {
      position = try ByteOrderMark.length(in: bytes)
    } catch {
      throw .otherEncoding(path: path, reason: "\(error)")
    }
  }

  /// The next row that is not empty; nil at the end.
  ///
  /// - Throws: `SampleDataError`.
  mutating func next() throws(SampleDataError) -> CSVTable.Row? {
    while position < bytes.count {
      let start = line
      var fields: [String] = []
      fields.reserveCapacity(fieldCount)
      skipBlanks()
      let isQuoted = isAtQuote
      fields.append(try nextField())
      while position < bytes.count, bytes[position] == UInt8(ascii: ",") {
        position += 1
        fields.append(try nextField())
      }
      passLineEnd()
      fieldCount = fields.count
      if isQuoted || fields != [""] { return CSVTable.Row(line: start, fields: fields) }
    }
    return nil
  }

  private mutating func nextField() throws(SampleDataError) -> String {
    skipBlanks()
    if isAtQuote { return try quotedField() }
    let start = position
    while position < bytes.count, !endsField(bytes[position]) { position += 1 }
    var end = position
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return try text(of: UnsafeBufferPointer(rebasing: bytes[start..<end]))
  }

  private mutating func quotedField() throws(SampleDataError) -> String {
    let start = line
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        guard position < bytes.count, bytes[position] == byte else {
          return try closedField(content)
        }
        position += 1
      } else if isLineEnd(byte), !(byte == UInt8(ascii: "\r") && isAtLineFeed) {
        line += 1
      }
      content.append(byte)
    }
    throw .unclosedQuote(path: path, line: start)
  }

  /// What was quoted; only blanks may stand between it and the next comma.
  private mutating func closedField(_ content: [UInt8]) throws(SampleDataError) -> String {
    skipBlanks()
    guard position == bytes.count || endsField(bytes[position]) else {
      throw .textAfterQuote(path: path, line: line)
    }
    let result = content.withUnsafeBufferPointer { content in
      Result { () throws(SampleDataError) in try text(of: content) }
    }
    return try result.get()
  }

  private func text(of field: UnsafeBufferPointer<UInt8>) throws(SampleDataError) -> String {
    guard let text = String(validating: field, as: UTF8.self) else {
      throw .notUTF8(path: path, line: line)
    }
    return text
  }

  private var isAtQuote: Bool {
    position < bytes.count && bytes[position] == UInt8(ascii: "\"")
  }

  private var isAtLineFeed: Bool {
    position < bytes.count && bytes[position] == UInt8(ascii: "\n")
  }

  private mutating func passLineEnd() {
    guard position < bytes.count else { return }
    position += 1
    if bytes[position - 1] == UInt8(ascii: "\r"), isAtLineFeed { position += 1 }
    line += 1
  }

  private mutating func skipBlanks() {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
  }

  private func endsField(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || isLineEnd(byte) }

  private func isLineEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
