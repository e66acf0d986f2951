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

  @Test(arguments: [
    [0xFF00_0803, UInt32.max, 2], [UInt32.max, UInt32.max, 2], [UInt32.max, UInt32.max, 0],
    [1 << 31, 1 << 31, 1 << 31], [UInt32.max, 1 << 31, 1],
  ])
  func extentsBeyondWhatCanBeCountedAreRefused(extents: [UInt32]) throws {
    let header: [UInt8] =
      [0, 0, 8, 3] + extents.flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) }
    let error = #expect(throws: SampleDataError.self) {
      try IDXFile(header, path: "a", dimensionCount: 3)
    }
    guard case .wrongSize = error else {
      Issue.record("\(String(describing: error))")
      return
    }
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

  /// A gzip file of `text` as gzip writes it, without a name.
  private func gzip(_ text: String) throws -> [UInt8] {
    let folder = try TemporaryDirectory()
    let path = try folder.write("text", text)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-n", path]
    try gzip.run()
    gzip.waitUntilExit()
    try #require(gzip.terminationStatus == 0)
    return try readAll(path + ".gz")
  }

  @Test func membersOfAGzipFileAreReadOneAfterTheOther() throws {
    let folder = try TemporaryDirectory()
    let (one, two) = (try gzip("one,"), try gzip("two"))
    func contents(_ bytes: [UInt8]) throws -> String {
      String(decoding: try GzipFile.contents(folder.write("file.gz", bytes)), as: UTF8.self)
    }
    #expect(try contents(one + two) == "one,two")
    // As tapes fill up their blocks.
    #expect(try contents(one + two + [0, 0, 0]) == "one,two")
    func reason(_ bytes: [UInt8]) -> String? {
      let error = #expect(throws: SampleDataError.self) { try contents(bytes) }
      guard case .unreadable(_, let reason) = error else { return nil }
      return reason
    }
    #expect(
      reason(one + Array("rest".utf8))
        == "4 bytes after the end of the gzip data are not gzip; copy the file again")
    #expect(
      reason(one + two.dropLast(2)) == "the compressed data end too early; copy the file again")
    var damaged = one
    damaged[damaged.count - 6] ^= 1
    #expect(reason(damaged)?.hasPrefix("the compressed data are damaged: ") ?? false)
  }

  @Test func whatUnpacksToMoreThanItsHeaderSaysIsRefused() throws {
    let folder = try TemporaryDirectory()
    // Labels as IDX has them: 3 by the header, and 40 MB behind it.
    let long =
      String(decoding: Self.idx([3], [1, 2, 3]), as: UTF8.self)
      + String(repeating: "\u{0}", count: 40 << 20)
    let path = try folder.write("labels.gz", gzip(long))
    let error = #expect(throws: SampleDataError.self) { try GzipFile.contents(path) }
    #expect("\(error as Any)".contains("more than the 11 bytes that its IDX header says"))
    let fitting = try gzip(String(decoding: Self.idx([3], [1, 2, 3]), as: UTF8.self))
    let read = try GzipFile.contents(folder.write("fit.gz", fitting))
    #expect(read.count == 11)
  }

  @Test func pipesAreReadLikeFiles() throws {
    let folder = try TemporaryDirectory()
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let bytes = try gzip("x,y\n1,2\n")
    let writer = Thread {
      let file = FileHandle(forWritingAtPath: pipe)
      file?.write(Data(bytes))
      try? file?.close()
    }
    writer.start()
    #expect(try GzipFile.contents(pipe) == Array("x,y\n1,2\n".utf8))
  }
}
