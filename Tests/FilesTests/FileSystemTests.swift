import CLockstepHost
import Foundation
import LockstepFiles
import TestSupport
import Testing

@Suite struct FileSystemTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func namesAreThoseOfTheDirectory() throws {
    for name in ["b", "a", ".c"] { try directory.write(name, "") }
    #expect(try FileSystem.names(in: directory.path) == [".c", "a", "b"])
  }

  /// A disk that stops answering, say: a half list would be taken for a whole one.
  @Test func anErrorIsNotTakenForTheEndOfADirectory() throws {
    let file = open(try directory.write("file", "text"), O_RDONLY)
    defer { close(file) }
    let stream = try #require(opendir(directory.path))
    defer { closedir(stream) }
    // The kernel lists no file.
    try #require(dup2(file, dirfd(stream)) >= 0)
    let error = FileError(operation: "list directory", path: "there", code: ENOTDIR)
    #expect(throws: error) { try FileSystem.names(in: stream, path: "there") }
  }

  /// As where others drop what they may not see.
  @Test(.enabled(if: geteuid() != 0, "root may read anywhere"))
  func aDirectoryIsMadeInOneThatCanNotBeRead() throws {
    chmod(directory.path, 0o300)
    defer { chmod(directory.path, 0o700) }
    let made = try FileSystem.makeDirectory(directory.path + "/a/b")
    #expect(made == [directory.path + "/a", directory.path + "/a/b"])
    #expect(FileSystem.isDirectory(directory.path + "/a/b"))
  }

  /// A file system without a limit, as one over a network may be, reports numbers near 2^64.
  @Test func moreBlocksThanCanBeCountedAreNoNumberOfBytes() {
    #expect(CHost_blockBytes(3, 4096) == 12_288)
    #expect(CHost_blockBytes(1 << 50, 4096) == 1 << 62)
    #expect(CHost_blockBytes(1 << 51, 4096) == -1)
    #expect(CHost_blockBytes(.max / 4096, 4096) == -1)
    #expect(CHost_blockBytes(.max, .max) == -1)
    #expect(CHost_blockBytes(0, .max) == 0)
  }

  @Test func aLinkThatLeadsToNothingIsSomethingItself() throws {
    let link = directory.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nowhere")
    #expect(try !FileSystem.exists(link))
    #expect(try FileSystem.exists(link, followsLinks: false))
    #expect(try !FileSystem.exists(directory.path + "/nowhere", followsLinks: false))
  }
}
