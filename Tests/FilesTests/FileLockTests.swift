import Foundation
import LockstepFiles
import TestSupport
import Testing

@Suite struct FileLockTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path + "/lock"
  }

  @Test func oneAtATimeHasItForItself() throws {
    let first = try FileLock.exclusive(path, creates: true)
    #expect(first != nil)
    #expect(try FileLock.exclusive(path, creates: true) == nil)
    withExtendedLifetime(first) {}
  }

  @Test func itEndsWithTheObject() throws {
    do { _ = try #require(try FileLock.exclusive(path, creates: true)) }
    #expect(try FileLock.exclusive(path) != nil)
  }

  @Test func manyMayShareItAndKeepOthersOut() throws {
    try directory.write("lock", "")
    let readers = [try FileLock.shared(path), try FileLock.shared(path)]
    #expect(try FileLock.exclusive(path) == nil)
    withExtendedLifetime(readers) {}
  }

  @Test func whatIsNotThereIsNotMadeUnasked() throws {
    for attempt in [
      { _ = try FileLock.shared(path) } as () throws -> Void,
      { _ = try FileLock.exclusive(path) },
    ] {
      let error = #expect(throws: FileError.self) { try attempt() }
      #expect(error?.code == ENOENT)
    }
    #expect(try directory.names().isEmpty)
  }

  @Test func aFileThatWasReplacedIsNotInPlace() throws {
    try directory.write("lock", "")
    let lock = try FileLock.shared(path)
    #expect(lock.isInPlace)
    try FileManager.default.removeItem(atPath: path)
    #expect(!lock.isInPlace)
    try directory.write("lock", "")
    #expect(!lock.isInPlace)
  }

  @Test func aLinkIsNotFollowedToMakeAFile() throws {
    try FileManager.default.createSymbolicLink(
      atPath: path, withDestinationPath: directory.path + "/other")
    #expect(throws: FileError.self) { try FileLock.exclusive(path, creates: true) }
    #expect(try directory.names() == ["lock"])
  }
}
