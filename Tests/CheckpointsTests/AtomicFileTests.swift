import Checkpoints
import Foundation
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
    let digest = try file.commit()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "abc")
    #expect(digest.byteCount == 3)
    // FIPS 180-2, appendix B.1.
    #expect(
      digest.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
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
    #expect(throws: CheckpointError.self) { try AtomicFile.write([1], to: path) }
    #expect(try directory.names() == ["taken"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDiskNamesPathAndBytesNeeded() throws {
    let file = try OutputFile(path: "/dev/full", bytesNeeded: 12_345)
    let error = #expect(throws: CheckpointError.self) {
      try file.write([UInt8](repeating: 0, count: 4096))
    }
    #expect(
      error
        == .fileSystem(operation: "write", path: "/dev/full", code: ENOSPC, bytesNeeded: 12_345))
    #expect(error?.description.contains("12345 bytes needed") == true)
  }

  @Test func missingDirectoryIsNamed() throws {
    let directory = try TemporaryDirectory()
    let error = #expect(throws: CheckpointError.self) {
      try AtomicFile.write([1, 2], to: directory.path + "/nowhere/file")
    }
    guard case .fileSystem("create", let path, ENOENT, 2) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path.contains("/nowhere/"))
  }

  @Test func freeSpaceIsToldEvenWhereThePlaceIsGone() throws {
    let directory = try TemporaryDirectory()
    let error = CheckpointError.fileSystem(
      operation: "write", path: directory.path + "/gone/file", code: ENOSPC, bytesNeeded: 1)
    #expect(error.description.contains(/\(1 bytes needed, \d+ bytes are free\)$/))
  }

  @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
  func unwritableDirectoryIsATypedError() throws {
    let directory = try TemporaryDirectory()
    chmod(directory.path, 0o555)
    defer { chmod(directory.path, 0o755) }
    let error = #expect(throws: CheckpointError.self) {
      try AtomicFile.write([1], to: directory.path + "/file")
    }
    guard case .fileSystem("create", _, EACCES, 1) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
