import Foundation
import LockstepReporting
import TestSupport
import Testing

@Suite struct MetricsFileTests {
  let file: TemporaryFile

  init() throws { file = try TemporaryFile("metrics.jsonl") }

  private func lines(_ text: String) throws -> [String] {
    try text.write(toFile: file.path, atomically: true, encoding: .utf8)
    return try MetricsFile.lines(of: file.path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// What a kill or a power failure may leave.
  @Test(arguments: [
    "", #"{"step":3,"lo"#, #"{"step":3}"#, "\0\0\0", "\0\0\n", "\n", "\n\n", "[1]\n", "{\n}",
  ]) func aTornEndIsNoLine(tail: String) throws {
    #expect(try lines("{\"step\":1}\n{\"step\":2}\n" + tail) == [#"{"step":1}"#, #"{"step":2}"#])
  }

  @Test(arguments: ["{\"step\":2", "", "\0", "2"]) func aDamagedLineThatOthersFollowIsNamed(
    line: String
  ) throws {
    #expect(throws: MetricsError.damaged(path: file.path, line: 2)) {
      try lines("{\"step\":1}\n\(line)\n{\"step\":3}\n")
    }
  }

  /// A resumed run removes lines in place: who had mapped them would be ended by SIGBUS. What the kernel has no
  /// length of, as the name of this thread, can be read and not be mapped.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/thread-self/comm")))
  func theFileIsReadAndNotMapped() throws {
    let name = "/proc/thread-self/comm"
    let descriptor = open(name, O_RDWR)
    defer { close(descriptor) }
    var former = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &former, former.count)
    defer { write(descriptor, former, count) }
    let line = Data(#"{"step":1}"#.utf8)
    try #require(line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == line.count)
    #expect(try MetricsFile.lines(of: name) == [line])
  }

  @Test func noFileHasNoLinesButAnUnreadableOneIsAnError() throws {
    try? FileManager.default.removeItem(atPath: file.path)
    #expect(try MetricsFile.lines(of: file.path).isEmpty)
    try FileManager.default.createDirectory(
      atPath: file.path, withIntermediateDirectories: false)
    #expect(throws: MetricsError.self) { try MetricsFile.lines(of: file.path) }
  }
}
