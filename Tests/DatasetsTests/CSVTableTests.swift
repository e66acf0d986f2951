import LockstepDatasets
import Testing

/// Tables, and what can be wrong with them.
@Suite struct CSVTableTests {
  private func table(_ text: String) throws -> CSVTable {
    try CSVTable(Array(text.utf8), path: "t")
  }

  private func error(_ bytes: [UInt8]) -> SampleDataError? {
    #expect(throws: SampleDataError.self) { try CSVTable(bytes, path: "t") }
  }

  private func error(_ text: String) -> SampleDataError? { error(Array(text.utf8)) }

  @Test func tablesAreReadAsRFC4180HasThem() throws {
    let text = "a , \"b,\"\"c\"\"\",d\r\n1,\" two \",3\r\n\r\n4,\"five\nsix\",\n"
    let table = try CSVTable(Array(text.utf8), path: "t")
    #expect(table.columns == ["a", "b,\"c\"", "d"])
    #expect(table.rows.map(\.fields) == [["1", " two ", "3"], ["4", "five\nsix", ""]])
    #expect(table.rows.map(\.line) == [2, 4])
  }

  @Test func aQuotedFieldOfNothingIsNoEmptyLine() throws {
    let table = try table("x\n\"\"\n\n  \n1\n \"\" \n\"\"")
    #expect(table.rows.map(\.fields) == [[""], ["1"], [""], [""]])
    #expect(table.rows.map(\.line) == [2, 5, 6, 7])
    #expect(
      error("x,y\n1,2\n\"\"\n") == .wrongFieldCount(path: "t", line: 3, found: 1, expected: 2))
  }

  @Test(arguments: ["1\u{0}5", "1\u{0}", "0x10", "nan", "infinity", "1e999"])
  func whatIsNoDecimalNumberIsRefused(field: String) throws {
    let table = try table("x,y\n1,2\n\(field),3\n")
    let error = #expect(throws: SampleDataError.self) {
      try SampleSet(table: table, target: "y", columns: ["x"], classes: nil)
    }
    #expect(error == .notANumber(path: "t", line: 3, column: "x", found: field))
    let summary = try TableSummary(Array("x,y\n1,2\n\(field),3\n".utf8), path: "t")
    #expect(summary.columns[0].minimum == nil && summary.columns[1].maximum == 3)
  }

  @Test func namesOfColumnsAreToldWhole() throws {
    let summary = try TableSummary(Array("😀😀 a,x\n1,2\n".utf8), path: "t")
    let lines = summary.description.split(separator: "\n").dropFirst()
    #expect(lines.first?.hasPrefix("  😀😀 a  numbers") == true)
    #expect(lines.last?.hasPrefix("  x     numbers") == true)
  }

  @Test func tablesThatAreWrongNameTheirLine() throws {
    func error(_ text: String, target: String = "y") -> SampleDataError? {
      #expect(throws: SampleDataError.self) {
        let table = try CSVTable(Array(text.utf8), path: "t")
        _ = try SampleSet(table: table, target: target, columns: ["x"], classes: nil)
      }
    }
    #expect(error("") == .noSamples(path: "t"))
    #expect(error("x,y\n") == .noSamples(path: "t"))
    #expect(
      error("x,y\n1,2\n1\n") == .wrongFieldCount(path: "t", line: 3, found: 1, expected: 2))
    #expect(
      error("x,y\n1,2\n\none,2\n")
        == .notANumber(path: "t", line: 4, column: "x", found: "one"))
    #expect(error("x,y\n1,inf\n") == .notANumber(path: "t", line: 2, column: "y", found: "inf"))
    #expect(error("x,y\n1,2\n\"1,2\n") == .unclosedQuote(path: "t", line: 3))
    #expect(
      error("x,y\n1,2\n", target: "z")
        == .noSuchColumn(path: "t", column: "z", columns: ["x", "y"]))
  }

  @Test func classesAreSortedByValueOrByBytes() throws {
    func classes(_ names: [String]) throws -> [String] {
      try CSVTable(Array(("y\n" + names.joined(separator: "\n")).utf8), path: "t")
        .classes(in: "y")
    }
    #expect(try classes(["10", "2", "-1", "2"]) == ["-1", "2", "10"])
    #expect(try classes(["b", "a", "B"]) == ["B", "a", "b"])
    #expect(try classes(["007", "7", "1"]) == ["007", "1", "7"])
  }

  @Test func aClassThatWasNotLearnedIsNamedWithItsLine() throws {
    let table = try CSVTable(Array("x,y\n1,cat\n2,cow\n".utf8), path: "t")
    let error = #expect(throws: SampleDataError.self) {
      try SampleSet(table: table, target: "y", columns: ["x"], classes: ["cat", "dog"])
    }
    #expect(
      error
        == .unknownClass(
          path: "t", place: "line 3", found: "\"cow\"",
          expected: "one of those learned from: cat, dog"))
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func linesEndInAnyOfThreeWays(end: String) throws {
    let table = try table("x,y\(end)1,2\(end)\(end)\"a\(end)b\",4\(end)5,6")
    #expect(table.rows.map(\.fields) == [["1", "2"], ["a\(end)b", "4"], ["5", "6"]])
    #expect(table.rows.map(\.line) == [2, 4, 6])
  }

  @Test func blanksAroundAQuotedFieldAreNotPartOfIt() throws {
    let table = try table(" \" x\" ,y\n1 ,\t2\n")
    #expect(table.columns == [" x", "y"])
    #expect(table.rows[0].fields == ["1", "2"])
  }

  @Test func aByteOrderMarkIsNoPartOfTheFirstName() throws {
    #expect(try table("\u{FEFF}x,y\n1,2\n").columns == ["x", "y"])
    #expect(try table("\u{FEFF}\"x\",y\n1,2\n").columns == ["x", "y"])
    guard case .otherEncoding("t", let reason) = error([0xFF, 0xFE, 0x78, 0, 0x2C, 0]) else {
      Issue.record("a table in UTF-16 is read as something else")
      return
    }
    #expect(reason.hasPrefix("begins with the byte order mark of UTF-16; expected UTF-8"))
  }

  @Test func textBehindAQuoteAndBytesThatAreNoTextAreRefused() {
    #expect(error("x,y\n\"1\"2,3\n") == .textAfterQuote(path: "t", line: 2))
    #expect(error("x,y\n\"1\n\" z\n") == .textAfterQuote(path: "t", line: 3))
    #expect(error(Array("x,y\n1,caf".utf8) + [0xE9, 0x0A]) == .notUTF8(path: "t", line: 2))
  }

  @Test func namesThatSeveralColumnsHaveAreRefusedWithTheirPlaces() {
    let error = error("reading,reading,load,b,load,reading\n1,2,3,4,5,6\n")
    #expect(
      error
        == .repeatedColumns(
          path: "t",
          columns: [
            .init(name: "reading", positions: [1, 2, 6]), .init(name: "load", positions: [3, 5]),
          ]))
    #expect(
      error?.description
        == "t: columns 1, 2 and 6 are called reading, columns 3 and 5 are called load; "
        + "expected a name of its own for each column")
  }

  @Test func allColumnsButTheTargetAreFeatures() throws {
    #expect(try table("a,y,b\n1,2,3\n").features(besides: "y") == ["a", "b"])
    func error(_ text: String) -> SampleDataError? {
      #expect(throws: SampleDataError.self) { try table(text).features(besides: "y") }
    }
    #expect(error("y\n1\n") == .noFeatures(path: "t", target: "y"))
    #expect(error("a,b\n1,2\n") == .noSuchColumn(path: "t", column: "y", columns: ["a", "b"]))
    // As pandas writes the numbers of rows.
    #expect(error(",a,y\n0,1,2\n") == .unnamedColumn(path: "t", position: 1))
    #expect(try table(",a,,y\n0,1,2,3\n").index(of: "y") == 3)
  }

  @Test func emptyFieldsAreRefusedWithLineAndColumn() throws {
    let classes = try table("x,y\n1,cat\n2,\n")
    #expect(throws: SampleDataError.emptyField(path: "t", line: 3, column: "y")) {
      try classes.classes(in: "y")
    }
    #expect(throws: SampleDataError.emptyField(path: "t", line: 3, column: "y")) {
      try SampleSet(table: classes, target: "y", columns: ["x"], classes: ["cat"])
    }
    let quoted = try table("x,y\n1,cat\n2,\"  \"\n")
    #expect(throws: SampleDataError.emptyField(path: "t", line: 3, column: "y")) {
      try quoted.classes(in: "y")
    }
    let features = try table("x,y\n1,2\n,3\n")
    #expect(throws: SampleDataError.emptyField(path: "t", line: 3, column: "x")) {
      try SampleSet(table: features, target: "y", columns: ["x"], classes: nil)
    }
    #expect(throws: SampleDataError.noFeatures(path: "t", target: "y")) {
      try SampleSet(table: features, target: "y", columns: [], classes: nil)
    }
  }

  @Test(arguments: ["nan", "inf", "1e40", "0x", "1,5 ", "--1", "1 2"])
  func numbersThatAreNoneAreRefusedWithLineColumnAndText(text: String) throws {
    let table = try table("x,y\n1,2\n\"\(text)\",3\n")
    #expect(
      throws: SampleDataError.notANumber(path: "t", line: 3, column: "x", found: text)
    ) { try SampleSet(table: table, target: "y", columns: ["x"], classes: nil) }
  }

  @Test(arguments: [
    // Seconds, of which 32 bits tell 128 apart.
    (["1700000000", "1700000001"], true), (["1700000000", "1700000128"], false),
    (["1700000000", "1e9", "1700000001", "2"], true),
    // Numbers of records beyond 2²⁴.
    ((0..<40).map { "\(16_777_216 + $0)" }, true), ((0..<40).map { "\(16_777_176 + $0)" }, false),
    // One of many different numbers around zero that meet by chance says nothing.
    (["0.12345678901", "0.12345678902"] + (0..<20).map { "\($0 - 10).5" }, false),
    (["1700000000", "1700000000"], false), (["1", "2"], false),
  ])
  func columnsWhoseNumbersBecomeTheSameAreFound(numbers: [String], isFound: Bool) throws {
    let table = try table("x,y\n" + numbers.map { "\($0),1\n" }.joined())
    #expect(try table.columnsLosingPrecision(among: ["y", "x"]) == (isFound ? ["x"] : []))
  }

  /// Looking a column up is no search through all of them, or this would take minutes.
  @Test func aTableMayHaveManyColumns() throws {
    let names = (0..<200_000).map { "c\($0)" }
    let table = try table(
      names.joined(separator: ",") + "\n" + names.map { _ in "1" }.joined(separator: ",") + "\n")
    let features = try table.features(besides: "c7")
    #expect(features.count == 199_999 && !features.contains("c7"))
    let set = try SampleSet(table: table, target: "c7", columns: features, classes: nil)
    #expect(set.sampleShape == [199_999])
  }
}
