import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepTraining
import Testing

@Suite struct SharedTokenFileTests {
  /// A token file of 100,000 tokens in a directory of its own.
  private func makeFile() throws -> String {
    let directory = FileManager.default.temporaryDirectory.path + "/lockstep-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let path = directory + "/train.bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: 1000)
    try writer.append((0..<100_000).map { Int32($0 * 7919 % 1000) })
    try writer.finish()
    return path
  }

  @Test(arguments: [1, 2, 4])
  func hostsThatLackTheFileGetRankZerosTokens(ranksPerHost: Int) throws {
    let path = try makeFile()
    defer {
      try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    }
    let group = try InProcessGroup(size: 4, ranksPerHost: ranksPerHost)
    let tokens = try group.run { communicator in
      let file = try SharedTokenFile.open(path, communicator: communicator) { path in
        communicator.topology.hostIndex == 0 ? try? TokenFile(path: path) : nil
      }
      return file.tokens(0..<file.count)
    }
    let expected = try TokenFile(path: path).tokens(0..<100_000)
    #expect(tokens == Array(repeating: expected, count: 4))
  }

  @Test func anotherFileUnderTheSameNameIsNotUsed() throws {
    let (path, other) = (try makeFile(), try makeFile())
    let writer = try TokenFileWriter(path: other, vocabularyCount: 1000)
    try writer.append([Int32](repeating: 3, count: 100_000))
    try writer.finish()
    let group = try InProcessGroup(size: 2, ranksPerHost: 1)
    let first = try group.run { communicator in
      try SharedTokenFile.open(path, communicator: communicator) { _ in try? TokenFile(path: other)
      }
      .tokens(0..<2)
    }
    #expect(first == [[0, 919], [0, 919]])
  }

  @Test func aMissingFileIsOneErrorOnAllRanks() throws {
    let group = try InProcessGroup(size: 2)
    let errors = try group.run { communicator -> [Bool] in
      do {
        _ = try SharedTokenFile.open("/nowhere/train.bin", communicator: communicator)
        return []
      } catch let error as AgreedError {
        return [error.speaks, error.exitCode == .usage]
      }
    }
    #expect(errors == [[true, true], [false, true]])
  }
}
