/// A table of comma-separated values with a header line (RFC 4180): fields may be quoted, a quote
/// inside is doubled, lines end with LF or CRLF, and empty lines are passed over.
public struct CSVTable: Sendable, Equatable {
  /// A line's fields and its number in the file, from 1.
  public struct Row: Sendable, Equatable {
    public let line: Int
    public let fields: [String]
  }

  public let path: String
  /// The fields of the header.
  public let columns: [String]
  public let rows: [Row]

  /// - Parameters:
  ///   - bytes: The file.
  ///   - path: Named in errors.
  /// - Throws: `SampleDataError`.
  public init(_ bytes: [UInt8], path: String) throws(SampleDataError) {
    var lines = try Self.rows(of: bytes, path: path)
    guard !lines.isEmpty else { throw .noSamples(path: path) }
    let header = lines.removeFirst().fields
    for row in lines where row.fields.count != header.count {
      throw .wrongFieldCount(
        path: path, line: row.line, found: row.fields.count, expected: header.count)
    }
    self.path = path
    columns = header
    rows = lines
  }

  /// The place of a column.
  ///
  /// - Throws: `SampleDataError.noSuchColumn`.
  public func index(of column: String) throws(SampleDataError) -> Int {
    guard let index = columns.firstIndex(of: column) else {
      throw .noSuchColumn(path: path, column: column, columns: columns)
    }
    return index
  }

  /// A field as a number.
  ///
  /// - Throws: `SampleDataError.notANumber`.
  public func number(_ row: Row, _ column: Int) throws(SampleDataError) -> Float {
    let field = row.fields[column]
    guard let value = Float(field), value.isFinite else {
      throw .notANumber(path: path, line: row.line, column: columns[column], found: field)
    }
    return value
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  private static func rows(of bytes: [UInt8], path: String) throws(SampleDataError) -> [Row] {
    var rows: [Row] = []
    var fields: [String] = []
    var field: [UInt8] = []
    var line = 1
    var rowStart = 1
    var isQuoted = false
    var wasQuoted = false
    var index = 0
    func endField() {
      let text = String(decoding: field, as: UTF8.self)
      fields.append(wasQuoted ? text : text.trimmed)
      field.removeAll(keepingCapacity: true)
      wasQuoted = false
    }
    func endRow() {
      endField()
      if fields != [""] { rows.append(Row(line: rowStart, fields: fields)) }
      fields = []
      rowStart = line + 1
    }
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\"") where isQuoted:
        if index + 1 < bytes.count, bytes[index + 1] == byte {
          field.append(byte)
          index += 1
        } else {
          isQuoted = false
        }
      case UInt8(ascii: "\"") where field.allSatisfy(Self.isBlank):
        field.removeAll(keepingCapacity: true)
        (isQuoted, wasQuoted) = (true, true)
      case UInt8(ascii: ",") where !isQuoted: endField()
      case UInt8(ascii: "\n"):
        if isQuoted { field.append(byte) } else { endRow() }
        line += 1
      case UInt8(ascii: "\r") where !isQuoted && index + 1 < bytes.count && bytes[index + 1] == 10:
        break
      default: field.append(byte)
      }
      index += 1
    }
    guard !isQuoted else { throw .unclosedQuote(path: path, line: rowStart) }
    endRow()
    return rows
  }
}

extension String {
  /// Without the blanks around it.
  fileprivate var trimmed: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    let start = drop(while: isBlank)
    return String(start.reversed().drop(while: isBlank).reversed())
  }
}
