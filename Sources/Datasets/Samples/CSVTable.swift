import LockstepSettings

/// A table of comma-separated values with a header line, whose columns have different names.
public struct CSVTable: Sendable, Equatable {
  /// A line's fields and its number in the file, from 1: of a row with line breaks in it the first.
  public struct Row: Sendable, Equatable {
    public let line: Int
    public let fields: [String]

    /// What is wrong with a row of a table that has these columns.
    func problem(columns: [String], path: String) -> SampleDataError? {
      fields.count == columns.count
        ? nil
        : .wrongFieldCount(path: path, line: line, found: fields.count, expected: columns.count)
    }
  }

  /// A name that several columns have, and where these are, from 1.
  public struct RepeatedColumn: Sendable, Equatable {
    public let name: String
    public let positions: [Int]

    public init(name: String, positions: [Int]) {
      self.name = name
      self.positions = positions
    }
  }

  public let path: String
  /// The fields of the header.
  public let columns: [String]
  public let rows: [Row]
  /// The place of each column that has a name.
  private let places: [String: Int]

  /// - Parameters:
  ///   - bytes: The file.
  ///   - path: Named in errors.
  /// - Throws: `SampleDataError`.
  public init(_ bytes: [UInt8], path: String) throws(SampleDataError) {
    var lines = try Self.rows(of: bytes, path: path)
    guard !lines.isEmpty else { throw .noSamples(path: path) }
    let header = lines.removeFirst().fields
    try self.init(path: path, columns: header, rows: lines)
  }

  /// A table, or a part of its rows.
  ///
  /// - Throws: `SampleDataError` where names of columns repeat, or a row has another number of fields.
  init(path: String, columns: [String], rows: [Row]) throws(SampleDataError) {
    places = try Self.places(of: columns, path: path)
    for row in rows { if let problem = row.problem(columns: columns, path: path) { throw problem } }
    (self.path, self.columns, self.rows) = (path, columns, rows)
  }

  private init(_ rows: [Row], of table: CSVTable) {
    (path, columns, places, self.rows) = (table.path, table.columns, table.places, rows)
  }

  /// The rows before a line of the file; nil where there are none.
  package func rows(before line: Int) -> CSVTable? {
    let before = rows.prefix { $0.line < line }
    return before.isEmpty ? nil : CSVTable(Array(before), of: self)
  }

  private static func rows(of bytes: [UInt8], path: String) throws(SampleDataError) -> [Row] {
    let result = bytes.withUnsafeBufferPointer { bytes in
      Result { () throws(SampleDataError) in
        var reader = try CSVReader(bytes, path: path)
        var rows: [Row] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
      }
    }
    return try result.get()
  }

  /// - Throws: `SampleDataError.repeatedColumns`.
  private static func places(
    of columns: [String], path: String
  ) throws(SampleDataError) -> [String: Int] {
    let places = Dictionary(grouping: columns.indices) { columns[$0] }
    let repeated = places.filter { !$0.key.isEmpty && $0.value.count > 1 }
      .sorted { $0.value[0] < $1.value[0] }
    guard repeated.isEmpty else {
      throw .repeatedColumns(
        path: path,
        columns: repeated.map { RepeatedColumn(name: $0.key, positions: $0.value.map { $0 + 1 }) })
    }
    return places.filter { !$0.key.isEmpty }.mapValues { $0[0] }
  }

  /// The place of a column.
  ///
  /// - Throws: `SampleDataError.noSuchColumn`.
  public func index(of column: String) throws(SampleDataError) -> Int {
    guard let index = places[column] else {
      throw .noSuchColumn(path: path, column: column, columns: columns)
    }
    return index
  }

  /// All columns but the target: what it is predicted from where nothing else is said.
  ///
  /// - Throws: `SampleDataError` where there is no such target, no other column, or one without a name.
  public func features(besides target: String) throws(SampleDataError) -> [String] {
    let place = try index(of: target)
    if let unnamed = columns.firstIndex(of: "") {
      throw .unnamedColumn(path: path, position: unnamed + 1)
    }
    guard columns.count > 1 else { throw .noFeatures(path: path, target: target) }
    return Array(columns[..<place] + columns[(place + 1)...])
  }

  /// A field as a number.
  ///
  /// - Throws: `SampleDataError.emptyField` or `notANumber`.
  public func number(_ row: Row, _ column: Int) throws(SampleDataError) -> Float {
    let field = row.fields[column]
    guard let value = Float(decimal: field) else {
      _ = try name(row, column)
      throw .notANumber(path: path, line: row.line, column: columns[column], found: field)
    }
    return value
  }

  /// A field as the name of a class.
  ///
  /// - Throws: `SampleDataError.emptyField` where it has none but blanks.
  public func name(_ row: Row, _ column: Int) throws(SampleDataError) -> String {
    let field = row.fields[column]
    guard !field.allSatisfy(\.isWhitespace) else {
      throw .emptyField(path: path, line: row.line, column: columns[column])
    }
    return field
  }

  /// The different contents of a column: in the order of their values where all are whole numbers,
  /// else in that of their bytes.
  ///
  /// - Throws: `SampleDataError.noSuchColumn` or `emptyField`.
  public func classes(in column: String) throws(SampleDataError) -> [String] {
    let place = try index(of: column)
    var names: Set<String> = []
    for row in rows { names.insert(try name(row, place)) }
    return Self.classes(named: names)
  }

  /// Names of classes in the order of their numbers.
  static func classes(named names: Set<String>) -> [String] {
    // `007` is read as a number, but not written like one: such names are sorted as text.
    let numbers = names.compactMap(Int.init).sorted().map(String.init)
    if Set(numbers) == names { return numbers }
    return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }
}

extension CSVTable {
  /// A field as it is written: quoted where it must be, so that it is read back the same.
  package static func field(_ text: String) -> String {
    let bytes = text.utf8
    let isBlank = { (byte: UInt8?) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let isPlain =
      bytes.allSatisfy { ![UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
      && !isBlank(bytes.first) && !isBlank(bytes.last)
    guard !isPlain else { return text }
    // By scalars: an accent behind a quote makes one character of both.
    let quoted = text.unicodeScalars.reduce(into: "\"") { quoted, scalar in
      if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
