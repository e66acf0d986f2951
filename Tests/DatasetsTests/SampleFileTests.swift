import Foundation
import LockstepDatasets
import TestSupport
import Testing

/// IDX files, tables, and what can be wrong with them.
@Suite struct SampleFileTests {
  /// An IDX file of unsigned bytes.
  static func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(dimensions.count)]
      + dimensions.flatMap { [UInt8($0 >> 24), UInt8($0 >> 16), UInt8($0 >> 8), UInt8($0)] }
      + elements
  }

  @Test func idxFilesHoldTheirDimensionsAndElements() throws {
    let file = try IDXFile(Self.idx([2, 2, 3], Array(1...12)), path: "a", dimensionCount: 3)
    #expect(file.dimensions == [2, 2, 3])
    #expect(file.elements == Array(1...12))
  }

  @Test func idxFilesThatAreDamagedAreRefused() {
    func error(_ bytes: [UInt8]) -> SampleDataError? {
      #expect(throws: SampleDataError.self) {
        try IDXFile(bytes, path: "a", dimensionCount: 1)
      }
    }
    let whole = Self.idx([3], [1, 2, 3])
    #expect(error([]) == .notIDX(path: "a", found: [], dimensions: 1))
    #expect(error([80, 75, 3, 4, 9]) == .notIDX(path: "a", found: [80, 75, 3, 4], dimensions: 1))
    #expect(error(Array(whole.prefix(7))) == .wrongSize(path: "a", expected: 8, byteCount: 7))
    #expect(error(whole.dropLast()) == .wrongSize(path: "a", expected: 11, byteCount: 10))
    #expect(error(whole + [4]) == .wrongSize(path: "a", expected: 11, byteCount: 12))
    // Three dimensions of four thousand million each do not overflow.
    let huge = [UInt8]([0, 0, 8, 3]) + [UInt8](repeating: 255, count: 12)
    #expect(throws: SampleDataError.self) { try IDXFile(huge, path: "a", dimensionCount: 3) }
  }

  @Test func filesAreReadCompressedOrNot() throws {
    let folder = try TemporaryDirectory()
    let bytes = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
    let plain = try folder.write("plain", bytes)
    let copy = try folder.write("copy", bytes)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", copy]
    try gzip.run()
    gzip.waitUntilExit()
    try #require(gzip.terminationStatus == 0)
    #expect(try GzipFile.contents(plain) == bytes)
    #expect(try GzipFile.contents(copy + ".gz") == bytes)
    let truncated = try folder.write("short.gz", Array(try readAll(copy + ".gz").dropLast(500)))
    let error = #expect(throws: SampleDataError.self) { try GzipFile.contents(truncated) }
    #expect("\(try #require(error))".contains("short.gz: cannot be read"))
    #expect(throws: SampleDataError.self) { try GzipFile.contents(folder.path + "/none") }
  }

  @Test func imagesGoWithTheirLabels() throws {
    let images = (bytes: Self.idx([2, 1, 2], [0, 255, 7, 9]), path: "images")
    let set = try SampleSet(
      images: images, labels: (Self.idx([2], [3, 0]), "labels"), classCount: nil)
    #expect(set.count == 2 && set.sampleShape == [1, 2])
    func error(_ labels: [UInt8], classes: Int) -> SampleDataError? {
      #expect(throws: SampleDataError.self) {
        try SampleSet(
          images: images, labels: (Self.idx([labels.count], labels), "labels"),
          classCount: classes)
      }
    }
    #expect(
      error([1], classes: 9)
        == .unequalCounts(images: "images", imageCount: 2, labels: "labels", labelCount: 1))
    #expect(
      error([1, 3], classes: 3)
        == .unknownClass(path: "labels", place: "label 1", found: "3", expected: "0 to 2"))
  }

  @Test func tablesAreReadAsRFC4180HasThem() throws {
    let text = "a , \"b,\"\"c\"\"\",d\r\n1,\" two \",3\r\n\r\n4,\"five\nsix\",\n"
    let table = try CSVTable(Array(text.utf8), path: "t")
    #expect(table.columns == ["a", "b,\"c\"", "d"])
    #expect(table.rows.map(\.fields) == [["1", " two ", "3"], ["4", "five\nsix", ""]])
    #expect(table.rows.map(\.line) == [2, 4])
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
}
