/// A text whose class is to be predicted.
package struct NewText: Sendable, Equatable {
  package let text: String
  /// The class that the file names; nil where it does not.
  package let target: String?
  /// From 1: of a row with line breaks in it the first.
  package let line: Int

  /// The texts of a table.
  ///
  /// - Parameters:
  ///   - text: The column of the text.
  ///   - target: That of the class, which need not be there.
  /// - Throws: `SampleDataError`.
  package static func rows(
    of table: CSVTable, text: String, target: String
  ) throws(SampleDataError) -> [NewText] {
    guard table.columns.contains(text) else {
      throw .missingColumns(path: table.path, missing: [text], columns: table.columns)
    }
    let place = try table.index(of: text)
    let answers = table.answers(in: target)
    var texts: [NewText] = []
    texts.reserveCapacity(table.rows.count)
    for (row, answer) in zip(table.rows, answers) {
      texts.append(
        NewText(text: try table.name(row, place), target: answer, line: row.line))
    }
    return texts
  }

  /// The text of a line of JSON Lines; nil where the line is blank.
  ///
  /// - Parameters:
  ///   - text: The member of the text.
  ///   - target: That of the class, which need not be there.
  /// - Throws: `SampleDataError`.
  package init?(
    json content: [UInt8], path: String, line: Int, text: String, target: String
  ) throws(SampleDataError) {
    if LabeledText.isBlank(content) { return nil }
    (self.text, self.target) = try LabeledText.members(
      ofJSON: content, path: path, line: line, text: text, target: target)
    self.line = line
  }

  private init(text: String, target: String?, line: Int) {
    (self.text, self.target, self.line) = (text, target, line)
  }
}

extension CSVTable {
  /// What each row has in a column: nil where there is no such column, or nothing in it.
  package func answers(in column: String) -> [String?] {
    guard let place = columns.firstIndex(of: column) else {
      return [String?](repeating: nil, count: rows.count)
    }
    return rows.map {
      $0.fields[place].allSatisfy(\.isWhitespace) ? nil : $0.fields[place]
    }
  }
}
