import Foundation
import LockstepFiles
import TestSupport
import Testing

@Suite struct RecordFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func recordsAreAppendedToWhatIsThere() throws {
    let path = try directory.write("file", [1, 2])
    let file = try RecordFile(path: path)
    try file.append([3])
    try file.append([4, 5])
    #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3, 4, 5]))
    try file.shorten(to: 2)
    try file.append([6])
    #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 6]))
  }

  @Test func nothingStaysOfARecordThatWasCutAndNoneFollows() throws {
    let path = directory.path + "/file"
    let file = try RecordFile(path: path)
    try file.append([1, 2, 3])
    let length = try FullFile.fill(path, leaving: 4)
    let error = #expect(throws: FileError.self) { try file.append([4, 5, 6, 7, 8, 9]) }
    #expect(error?.code == EFBIG)
    #expect(FullFile.length(of: path) == length)
    // There is room again.
    try FullFile.setLength(of: path, to: 3)
    #expect(throws: try #require(error)) { try file.append([4]) }
    #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
  }

  @Test func aFileThatIsThereIsNotTakenForANewOne() throws {
    let path = try directory.write("file", "")
    #expect(throws: FileError(operation: "create", path: path, code: EEXIST)) {
      try RecordFile(path: path, flags: O_EXCL)
    }
  }
}
