import Foundation
import LockstepCommunication
import TestSupport
import Testing

/// Where a watch writes down what its rank was doing: a directory that others may write to, too.
@Suite struct FlightRecordTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Adds to the record.
  ///
  /// - Returns: Whether that can be done.
  private func add(_ text: String, to path: String, isOwn: Bool = true) -> Bool {
    let file = FlightRecord.open(path, isOwn: isOwn)
    guard file >= 0 else { return false }
    defer { close(file) }
    return text.withCString { write(file, $0, strlen($0)) } == text.utf8.count
  }

  @Test func ranksOfAHostAddToOneRecord() throws {
    let path = directory.path + "/record"
    #expect(add("a", to: path) && add("b", to: path) && add("c", to: path, isOwn: false))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "abc")
  }

  @Test func aLinkIsNotFollowed() throws {
    let (path, other) = (directory.path + "/record", try directory.write("other", "mine"))
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
    #expect(!add("a", to: path))
    #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
  }

  /// Neither without a reader, where a rank would wait for one, nor with one.
  @Test(.timeLimit(.minutes(1))) func aPipeIsNoRecord() throws {
    let path = directory.path + "/record"
    try #require(mkfifo(path, 0o600) == 0)
    #expect(!add("a", to: path))
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try #require(reader >= 0)
    #expect(!add("a", to: path))
  }

  @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
  func aFileOfAnotherUserIsLeftAloneWhereAnyoneMayPutOne() throws {
    let path = try directory.write("record", "")
    try #require(chown(path, 65_534, 65_534) == 0)
    #expect(!add("a", to: path))
    #expect(add("a", to: path, isOwn: false))
  }
}
