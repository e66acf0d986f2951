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

  /// An accent makes one character of itself and the slash before it.
  @Test func aNameMayBeginWithAnAccent() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/\u{301}x"
    #expect(FileSystem.parent(of: path) == directory.path)
    #expect(FileSystem.name(of: path + "/") == "\u{301}x" && FileSystem.name(of: "//") == nil)
    try AtomicFile.write([1], to: path)
    #expect(try directory.names() == ["\u{301}x"])
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
    let descriptor = open("/dev/full", O_WRONLY)
    defer { close(descriptor) }
    let error = #expect(throws: FileError.self) {
      try [UInt8](repeating: 0, count: 4096).lent { (bytes) throws(FileError) in
        try OutputFile.write(bytes, to: descriptor, path: "/dev/full", bytesNeeded: 12_345)
      }
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
    #expect(error?.operation == "create" && error?.code == ENOENT)
    #expect(
      error?.description
        == "\(directory.path)/nowhere/file: cannot create: there is no directory "
        + "\(directory.path)/nowhere; make it first, or name another")
  }

  /// A full disk is a matter of space, a missing directory is not.
  @Test func spaceIsToldOnlyWhereItIsTheCause() {
    for (code, isTold) in [(ENOSPC, true), (EDQUOT, true), (EROFS, false), (ENOTDIR, false)] {
      let error = FileError(operation: "create", path: "/file", code: code, bytesNeeded: 1)
      #expect(error.description.contains("bytes needed") == isTold)
    }
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

  // MARK: - What others put there

  private func mode(of path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test(arguments: [0o600, 0o640, 0o444, 0o666]) func aReplacedFileKeepsItsMode(mode: Int) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("file", "old")
    chmod(path, mode_t(mode))
    try AtomicFile.write([1], to: path)
    #expect(try self.mode(of: path) == mode)
    #expect(FileManager.default.contents(atPath: path) == Data([1]))
  }

  @Test func aLinkIsReplacedAndNotFollowed() throws {
    let directory = try TemporaryDirectory()
    let other = try directory.write("other", "mine")
    let path = directory.path + "/file"
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
    try AtomicFile.write([1], to: path)
    #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
    #expect(FileManager.default.contents(atPath: path) == Data([1]))
  }

  /// For root these are the devices of the machine, too.
  @Test(arguments: ["pipe", "link to a pipe", "socket", "link to a device", "descriptor"])
  func whatIsNoFileIsNotReplaced(_ kind: String) throws {
    let directory = try TemporaryDirectory()
    let (path, other) = (directory.path + "/there", directory.path + "/other")
    let files = FileManager.default
    switch kind {
    case "pipe": try #require(mkfifo(path, 0o600) == 0)
    case "link to a pipe":
      try #require(mkfifo(other, 0o600) == 0)
      try files.createSymbolicLink(atPath: path, withDestinationPath: other)
    case "socket": try #require(mknod(path, S_IFSOCK | 0o600, 0) == 0)
    case "link to a device":
      try files.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
    default:
      // As /dev/stdout of a command whose output goes to a file.
      let file = open(try directory.write("other", "mine"), O_RDONLY)
      defer { close(file) }
      try files.createSymbolicLink(atPath: path, withDestinationPath: "/proc/self/fd/\(file)")
    }
    func type() -> mode_t? {
      var status = stat()
      return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
    let (before, names) = (type(), try directory.names())
    let error = #expect(throws: FileError.self) { try AtomicFile.write([1], to: path) }
    #expect(error?.path == path && error?.code == EEXIST)
    #expect(error?.description.contains("which a file would replace; name a file") == true)
    #expect(type() == before)
    #expect(try directory.names() == names)
  }

  @Test func aNameOfADirectoryIsRefusedBeforeAnythingIsWritten() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/new/"
    let error = #expect(throws: FileError.self) { try AtomicFile(path: path) }
    #expect(error == FileError(operation: "create", path: path, code: EISDIR))
    #expect(try directory.names() == [])
  }

  @Test(arguments: ["link", "hanging link", "file"]) func whatStandsInTheWayIsNotWrittenTo(
    _ kind: String
  ) throws {
    let directory = try TemporaryDirectory()
    let (other, path) = (directory.path + "/other", directory.path + "/new")
    if kind != "hanging link" { try directory.write("other", "mine") }
    if kind == "file" {
      try directory.write("new", "mine")
    } else {
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
    }
    let error = #expect(throws: FileError.self) { try OutputFile(path: path) }
    #expect(error?.code == EEXIST)
    #expect(
      FileManager.default.contents(atPath: other)
        == (kind == "hanging link" ? nil : Data("mine".utf8))
        || kind == "file")
  }

  @Test func writersOfOneNameAreKeptApart() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/file"
    let (first, second) = (try AtomicFile(path: path), try AtomicFile(path: path))
    try first.write([1, 1, 1])
    try second.write([2])
    try second.commit()
    #expect(FileManager.default.contents(atPath: path) == Data([2]))
    try first.commit()
    #expect(FileManager.default.contents(atPath: path) == Data([1, 1, 1]))
    #expect(try directory.names() == ["file"])
  }

  @Test func leftoversOfANameAreRemovedAndOthersStay() throws {
    let directory = try TemporaryDirectory()
    for name in [".a.writing-17-ff", ".a.writing-17", ".b.writing-17-ff", "a"] {
      try directory.write(name, "part")
    }
    try AtomicFile.removeLeftovers(of: ["a", "c"], in: directory.path)
    #expect(try directory.names() == [".b.writing-17-ff", "a"])
    try AtomicFile.removeLeftovers(of: ["a"], in: directory.path + "/nowhere")
  }
}
