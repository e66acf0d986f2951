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

  /// Takes the rows that are complete with these bytes.
  ///
  /// - Parameters:
  ///   - bytes: What follows on the bytes given before.
  ///   - isEnd: Whether no more will come.
  ///   - body: Gets these rows, where there are any; of rows with a wrong one among them those before it.
  /// - Throws: `SampleDataError`: also where the whole has no row; what `body` throws.
  package mutating func append(
    _ bytes: [UInt8], isEnd: Bool, _ body: (CSVTable) throws -> Void
  ) throws {
    pending += bytes
    var (rows, problem) = try completeRows(isEnd: isEnd)
    if columns == nil, !rows.isEmpty { columns = rows.removeFirst().fields }
    if let columns {
      let path = path
      let wrong = rows.lazy.compactMap { $0.problem(columns: columns, path: path) }.first
      if let line = wrong?.line {
        rows = Array(rows.prefix { $0.line < line })
        problem = wrong
      }
      if !rows.isEmpty { try body(CSVTable(path: path, columns: columns, rows: rows)) }
    }
    if let problem { throw problem }
    if isEnd, columns == nil { throw SampleDataError.noSamples(path: path) }
  }

  /// Takes what ends in what is there. A quoted field may go on behind the last end of a line: then
  /// nothing is taken but the rows before it.
  ///
  /// - Returns: Also what is wrong behind the rows.
  private mutating func completeRows(
    isEnd: Bool
  ) throws(SampleDataError) -> (rows: [CSVTable.Row], problem: SampleDataError?) {
    let end = isEnd ? pending.count : Self.lastLineEnd(pending)
    guard end > 0 else { return ([], nil) }
    let (path, line) = (path, line)
    let parsed = pending[..<end].withUnsafeBufferPointer { bytes in
      Result { () throws(SampleDataError) in
        var reader = try CSVReader(bytes, path: path, line: line)
        var (rows, taken): ([CSVTable.Row], (position: Int, line: Int)) = ([], (0, line))
        var problem: SampleDataError?
        do throws(SampleDataError) {
          while let row = try reader.next() {
            rows.append(row)
            taken = (reader.position, reader.line)
          }
          taken = (reader.position, reader.line)
        } catch {
          problem = error
          if !isEnd, case .unclosedQuote = error { problem = nil }
        }
        return (rows, taken, problem)
      }
    }
    let (rows, taken, problem) = try parsed.get()
    pending.removeFirst(taken.position)
    self.line = taken.line
    return (rows, problem)
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
