import Foundation
import LockstepFiles
import LockstepReporting
import TestSupport
import Testing

@Suite struct JSONLinesReporterTests {
  let file: TemporaryFile

  init() throws { file = try TemporaryFile("metrics.jsonl") }

  @Test func stepsHaveTheKeysOfTheContract() throws {
    let reporter = try JSONLinesReporter(path: file.path)
    try reporter.receive(.started(Sample.overview))
    try reporter.receive(.step(Sample.step(7)))
    // Read while the reporter lives: nothing may be held back.
    #expect(
      try file.content == """
        {"step":7,"loss":3.25,"gradient_norm":0.5,"learning_rate":0.001,"tokens":28672,\
        "seconds":1.75,"tokens_per_second":16384.0}

        """)
  }

  @Test func evaluationsHaveTheKeysOfTheContract() throws {
    let reporter = try JSONLinesReporter(path: file.path)
    try reporter.receive(.evaluation(Sample.evaluation(7, loss: 0)))
    #expect(
      try file.content == """
        {"step":7,"validation_loss":0.0,"bits_per_byte":1.75,"perplexity":1.0,\
        "validation_tokens":65536,"evaluation_seconds":2.0}

        """)
  }

  @Test(arguments: [(Double.nan, "NaN"), (.infinity, "Infinity"), (-.infinity, "-Infinity")])
  func notFiniteBecomesAText(loss: Double, text: String) throws {
    let reporter = try JSONLinesReporter(path: file.path)
    try reporter.receive(.step(Sample.step(1, loss: loss)))
    let object = try JSONSerialization.jsonObject(with: Data(file.content.utf8))
    let members = try #require(object as? [String: Any])
    #expect(members["loss"] as? String == text)
    #expect(members["step"] as? Int == 1)
  }

  @Test func numbersReadBackExactly() throws {
    let reporter = try JSONLinesReporter(path: file.path)
    var generator = SeededGenerator(seed: 46)
    let values = (0..<1000).map { _ in
      Double(bitPattern: UInt64.random(in: 0..<0x7FF0_0000_0000_0000, using: &generator))
    }
    for value in values { try reporter.receive(.step(Sample.step(1, loss: value))) }
    struct Line: Decodable { let loss: Double }
    let found = try file.content.split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8)).loss
    }
    #expect(found == values)
  }

  @Test func newRunStartsAnEmptyFile() throws {
    try "old\n".write(toFile: file.path, atomically: true, encoding: .utf8)
    _ = try JSONLinesReporter(path: file.path)
    #expect(try file.content.isEmpty)
  }

  /// What a killed run may leave after the lines of step 3.
  @Test(arguments: [
    "", #"{"step":4,"loss":2"#, "{\"step\":4}\n{\"step\":5}\n", "{\"step\":4}\n{\"step\":5",
    "{\"step\":4}\n\n\0\0\0\n", "{\"step\":4}\n\0\0\0", "\n", "\n\n", "[1]\n",
  ]) func resumingKeepsTheLinesUpToTheStep(tail: String) throws {
    let kept =
      #"{"step":2}"# + "\n" + #"{"step":3}"# + "\n" + #"{"step":3,"validation_loss":1}"# + "\n"
    try (kept + tail).write(toFile: file.path, atomically: true, encoding: .utf8)
    let reporter = try JSONLinesReporter(path: file.path, resumedStep: 3)
    #expect(try file.content == kept)
    try reporter.receive(.evaluation(Sample.evaluation(4, loss: 0)))
    #expect(try file.content.hasPrefix(kept + #"{"step":4,"#))
  }

  @Test func resumingFromTheStartOrWithoutAFileIsFine() throws {
    try #"{"step":1}"#.write(toFile: file.path, atomically: true, encoding: .utf8)
    _ = try JSONLinesReporter(path: file.path, resumedStep: 0)
    #expect(try file.content.isEmpty)
    try FileManager.default.removeItem(atPath: file.path)
    _ = try JSONLinesReporter(path: file.path, resumedStep: 5)
    #expect(try file.content.isEmpty)
  }

  @Test func errorsNameThePath() throws {
    let path = file.path + "/below"
    try "".write(toFile: file.path, atomically: true, encoding: .utf8)
    let error = #expect(throws: FileError.self) { try JSONLinesReporter(path: path) }
    #expect(error?.path == path)
    #expect(error?.code == ENOTDIR)
  }

  /// The next reader would refuse a cut line that others follow.
  @Test func aLineThatIsCutLeavesNothingAndNoLineFollows() throws {
    let reporter = try JSONLinesReporter(path: file.path)
    try reporter.receive(.step(Sample.step(1)))
    let whole = try file.content
    let length = try FullFile.fill(file.path, leaving: 9)
    #expect(throws: FileError.self) { try reporter.receive(.step(Sample.step(2))) }
    #expect(FullFile.length(of: file.path) == length)
    try FullFile.setLength(of: file.path, to: whole.utf8.count)
    #expect(throws: FileError.self) { try reporter.receive(.step(Sample.step(3))) }
    #expect(try file.content == whole)
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDiskIsThrown() throws {
    let reporter = try JSONLinesReporter(path: "/dev/full")
    #expect(throws: FileError(operation: "write", path: "/dev/full", code: ENOSPC)) {
      try reporter.receive(.step(Sample.step(1)))
    }
  }
}
