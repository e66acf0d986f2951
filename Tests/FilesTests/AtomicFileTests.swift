import Foundation
import LockstepFiles
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  @Test func contentAppearsOnlyOnCommit() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/file"
    try AtomicFile.write(Array("old".utf8), to: path)
    let file = try AtomicFile(path: path)
    try file.write(Array("ab".utf8))
    try file.write(Array("c".utf8))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    try file.commit()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "abc")
    #expect(try directory.names() == ["file"])
  }

  @Test func abandonedFileLeavesTheOldOne() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/file"
    try AtomicFile.write([1, 2, 3], to: path)
    do {
      let file = try AtomicFile(path: path)
      try file.write([4, 5])
      #expect(try directory.names().count == 2)
    }
    #expect(try directory.names() == ["file"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
  }

  @Test func failedRenameLeavesNothing() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/taken"
    try FileManager.default.createDirectory(
      atPath: path + "/inside", withIntermediateDirectories: true)
    #expect(throws: FileError.self) { try AtomicFile.write([1], to: path) }
    #expect(try directory.names() == ["taken"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDiskNamesPathAndBytesNeeded() throws {
    let file = try OutputFile(path: "/dev/full", bytesNeeded: 12_345)
    let error = #expect(throws: FileError.self) {
      try [UInt8](repeating: 0, count: 4096).lent(to: file.write)
    }
    #expect(
      error
        == FileError(operation: "write", path: "/dev/full", code: ENOSPC, bytesNeeded: 12_345))
    #expect(error?.description.contains("12345 bytes needed") == true)
  }

  @Test func missingDirectoryIsNamed() throws {
    let directory = try TemporaryDirectory()
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write([1, 2], to: directory.path + "/nowhere/file")
    }
    #expect(error?.operation == "create" && error?.code == ENOENT && error?.bytesNeeded == 2)
    #expect(error?.path.contains("/nowhere/") == true)
  }

  @Test func freeSpaceIsToldEvenWhereThePlaceIsGone() throws {
    let directory = try TemporaryDirectory()
    let error = FileError(
      operation: "write", path: directory.path + "/gone/file", code: ENOSPC, bytesNeeded: 1)
    #expect(error.description.contains(/\(1 bytes needed, \d+ bytes are free\)$/))
  }

  @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
  func unwritableDirectoryIsATypedError() throws {
    let directory = try TemporaryDirectory()
    chmod(directory.path, 0o555)
    defer { chmod(directory.path, 0o755) }
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write([1], to: directory.path + "/file")
    }
    #expect(error?.operation == "create" && error?.code == EACCES && error?.bytesNeeded == 1)
  }
}
