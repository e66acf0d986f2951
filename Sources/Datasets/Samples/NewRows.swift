/// Rows of a table that come piece by piece, as from a pipe: each part of them is a table of its own.
package struct NewRows {
  private let path: String
  private var columns: [String]?
  private var pending: [UInt8] = []
  private var line = 1

  /// - Parameter path: Named in errors.
  package init(path: String) {
    self.path = path
  }

  /// The rows that are complete with these bytes; nil where there are none.
  ///
  /// - Parameters:
  ///   - bytes: What follows on the bytes given before.
  ///   - isEnd: Whether no more will come.
  /// - Throws: `SampleDataError`: also where the whole has no row.
  package mutating func append(
    _ bytes: [UInt8], isEnd: Bool
  ) throws(SampleDataError) -> CSVTable? {
    pending += bytes
    let rows = try completeRows(isEnd: isEnd)
    guard let columns else {
      guard let header = rows.first else {
        if isEnd { throw .noSamples(path: path) }
        return nil
      }
      columns = header.fields
      return try table(Array(rows.dropFirst()), header.fields)
    }
    return try table(rows, columns)
  }

  private func table(
    _ rows: [CSVTable.Row], _ columns: [String]
  ) throws(SampleDataError) -> CSVTable? {
    rows.isEmpty ? nil : try CSVTable(path: path, columns: columns, rows: rows)
  }

  /// Takes what ends in what is there. A quoted field may go on behind the last end of a line: then
  /// nothing is taken but the rows before it.
  private mutating func completeRows(isEnd: Bool) throws(SampleDataError) -> [CSVTable.Row] {
    let end = isEnd ? pending.count : Self.lastLineEnd(pending)
    guard end > 0 else { return [] }
    let (path, line) = (path, line)
    let parsed = pending[..<end].withUnsafeBufferPointer { bytes in
      Result { () throws(SampleDataError) in
        var reader = try CSVReader(bytes, path: path, line: line)
        var (rows, taken): ([CSVTable.Row], (position: Int, line: Int)) = ([], (0, line))
        do throws(SampleDataError) {
          while let row = try reader.next() {
            rows.append(row)
            taken = (reader.position, reader.line)
          }
          taken = (reader.position, reader.line)
        } catch {
          guard !isEnd, case .unclosedQuote = error else { throw error }
        }
        return (rows, taken)
      }
    }
    let (rows, taken) = try parsed.get()
    pending.removeFirst(taken.position)
    self.line = taken.line
    return rows
  }

  /// Behind the last line that has certainly ended: the other half of CR LF may be still to come.
  private static func lastLineEnd(_ bytes: [UInt8]) -> Int {
    for place in bytes.indices.reversed() {
      if bytes[place] == UInt8(ascii: "\n") { return place + 1 }
      if bytes[place] == UInt8(ascii: "\r"), place + 1 < bytes.count { return place + 1 }
    }
    return 0
  }
}
