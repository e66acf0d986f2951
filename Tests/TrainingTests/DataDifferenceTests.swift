import Foundation
import LockstepDatasets
import LockstepTraining
import Testing

/// How the data that two runs learned from are compared.
@Suite struct DataDifferenceTests {
  @Test func anotherNumberOfFilesIsADifference() throws {
    let folder = try TemporaryFolder()
    let paths = try (0..<3).map { number in
      let path = folder.path + "/\(number).bin"
      let writer = try TokenFileWriter(path: path, vocabularyCount: 9)
      try writer.append((0..<200).map { Int32($0 * (number + 2) % 9) })
      try writer.finish()
      return path
    }
    for (name, count) in [("one", 1), ("two", 2), ("again", 2), ("three", 3)] {
      let train = count == 1 ? paths[0] : "[\(paths.prefix(count).joined(separator: ", "))]"
      let configuration = try RunConfiguration.parse(
        yaml: """
          data: {train: \(train), validation: null, tokenizer: null}
          model: {layers: 1, heads: 1, width: 8, context: 8, vocabulary: 9, dropout: 0}
          batch: {sequences: 1, microbatches: 1}
          schedule: {name: constant, warmup_steps: 0}
          evaluate: {every: 0}
          steps: 1
          """, source: "test")
      _ = try folder.train(configuration, in: name)
    }
    func differences(_ first: String, _ second: String) throws -> [String] {
      try RunDirectory(path: folder.path + "/" + first)
        .dataDifferences(from: RunDirectory(path: folder.path + "/" + second))
    }
    #expect(try differences("two", "again") == [])
    for (first, second, words) in [("one", "two", "2 files"), ("two", "three", "3 files")] {
      let found = try differences(first, second)
      #expect(found.count == 1 && found[0].hasPrefix("data.train: A "), "\(found)")
      #expect(found[0].contains(words), "\(found)")
    }
  }
}
