/// Columns of text below a header.
package struct TextTable {
  /// Where in its column a cell stands.
  package enum Alignment {
    /// The first column flush left, the others flush right.
    case firstLeft
    case allLeft
    case allRight
  }

  private var rows: [[String]]
  private let alignment: Alignment
  private let gap: String

  /// - Parameters:
  ///   - header: One cell for each column.
  ///   - rows: Of as many cells each. Default: none yet.
  ///   - alignment: Default: the first column flush left, the others flush right.
  ///   - gap: What stands between columns. Default: three blanks.
  package init(
    _ header: [String], rows: [[String]] = [], alignment: Alignment = .firstLeft,
    gap: String = "   "
  ) {
    self.rows = [header] + rows
    self.alignment = alignment
    self.gap = gap
  }

  package mutating func add(_ cells: [String]) {
    rows.append(cells)
  }

  /// The header and all rows, without blanks at their ends.
  package var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].columns }.max() ?? 0 }
    return rows.map { row in
      var line = row.indices.map { column in
        isLeft(column)
          ? row[column].rightPadded(to: widths[column]) : row[column].leftPadded(to: widths[column])
      }.joined(separator: gap)
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  private func isLeft(_ column: Int) -> Bool {
    switch alignment {
    case .firstLeft: column == 0
    case .allLeft: true
    case .allRight: false
    }
  }
}
