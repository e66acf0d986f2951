import LockstepDatasets
import Testing

/// Tables that come piece by piece.
@Suite struct NewRowsTests {
  private static let text = "\u{FEFF}a,\"b\"\r\n1,\"two, \"\"3\"\"\n and 4\"\r\n\r\n5,é\n6,last"

  private func rows(_ text: String, pieces size: Int) throws -> [CSVTable.Row] {
    var found: [CSVTable.Row] = []
    try read(text, pieces: size) { table in
      #expect(table.columns == ["a", "b"])
      found += table.rows
    }
    return found
  }

  private func read(
    _ text: String, pieces size: Int, _ body: (CSVTable) throws -> Void
  ) throws {
    var rows = NewRows(path: "t")
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = Array(bytes[start..<min(start + size, bytes.count)])
      try rows.append(piece, isEnd: false, body)
    }
    try rows.append([], isEnd: true, body)
  }

  @Test(arguments: [1, 2, 3, 5, 7, 11, 1000])
  func piecesOfAnySizeAreTheWholeTable(size: Int) throws {
    let whole = try CSVTable(Array(Self.text.utf8), path: "t")
    #expect(whole.rows.count == 3)
    #expect(try rows(Self.text, pieces: size) == whole.rows)
    // Lines that end with CR alone.
    #expect(try rows("a,b\r1,2\r3,4", pieces: size).map(\.line) == [2, 3])
  }

  @Test func aRowIsThereAsSoonAsItsLineEnds() throws {
    var rows = NewRows(path: "t")
    func append(_ text: String) throws -> [[String]] {
      var fields: [[String]] = []
      try rows.append(Array(text.utf8), isEnd: false) { fields += $0.rows.map(\.fields) }
      return fields
    }
    #expect(try append("a,b\n1,") == [])
    #expect(try append("2\n") == [["1", "2"]])
    #expect(try append("3,\"4\n") == [])
    #expect(try append("5\"\n6") == [["3", "4\n5"]])
  }

  @Test(arguments: ["5\n", "\"5,6\n", "\"5\"6,7\n", "5,6,7\n8\n"])
  func rowsBeforeAWrongOneAreThere(wrong: String) {
    for size in [1, 7, 1000] {
      var lines: [Int] = []
      #expect(throws: SampleDataError.self) {
        try read("a,b\n1,2\n3,4\n" + wrong, pieces: size) { lines += $0.rows.map(\.line) }
      }
      #expect(lines == [2, 3])
    }
  }

  @Test func whatIsWrongNamesItsLineInTheWholeFile() {
    func error(_ text: String) -> SampleDataError? {
      #expect(throws: SampleDataError.self) { try rows(text, pieces: 4) }
    }
    #expect(error("") == .noSamples(path: "t"))
    #expect(error("a,b\n1,2\n3\n") == .wrongFieldCount(path: "t", line: 3, found: 1, expected: 2))
    #expect(error("a,b\n1,2\n\"3,4\n") == .unclosedQuote(path: "t", line: 3))
    #expect(error("a,b\n1,\"2\n\"\n\"3\"4,5\n") == .textAfterQuote(path: "t", line: 4))
  }

  /// An accent makes one character of itself and the quote or blank before it.
  @Test(arguments: [
    "plain", "a,b", "\"", " blank", "two\nlines", "", "é", "\"\u{301}", "a\"\u{20DD}b", " \u{301}x",
    "x \u{301}",
  ])
  func aWrittenFieldIsReadBackTheSame(text: String) throws {
    let table = try CSVTable(Array("x,y\n\(CSVTable.field(text)),1\n".utf8), path: "t")
    #expect(table.rows[0].fields.map { Array($0.utf8) } == [Array(text.utf8), Array("1".utf8)])
  }
}
