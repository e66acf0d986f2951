import LockstepDatasets
import TestSupport
import Testing

struct DocumentTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func file(_ tokens: [Int32]) throws -> TokenFile {
    let path = directory.path + "/\(tokens.count).bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: 10)
    try writer.append(tokens)
    try writer.finish()
    return try TokenFile(path: path)
  }

  @Test func aSeparatorOpensADocument() throws {
    let file = try file([1, 2, 0, 3, 4, 5, 0, 0, 6, 7, 8, 9])
    let batches = try EvaluationBatches(file: file, sequences: 2, context: 6, separator: 0)
    let batch = batches[0]
    #expect(batch.inputs == [1, 2, 0, 3, 4, 5, 0, 0, 6, 7, 8, 0])
    #expect(batch.documentStarts == [0, 0, 2, 2, 2, 2, 0, 1, 1, 1, 1, 5])
    // Every token but the first is a target, the separators too.
    #expect(batch.targets == [2, 0, 3, 4, 5, 0, 0, 6, 7, 8, 9, TokenBatch.ignoredTarget])
  }

  @Test func trainingBatchesKnowTheirDocuments() throws {
    let tokens = (0..<200).map { $0 % 7 == 3 ? 0 : Int32($0 % 9 + 1) }
    let loader = try LanguageModelingLoader(
      file: file(tokens), sequences: 3, context: 20, microbatches: 2, seed: 1, separator: 0)
    var batch = loader.emptyBatch()
    for step in 0..<5 {
      loader.fill(&batch, step: step, microbatch: step % 2)
      for sequence in 0..<3 {
        var start: Int32 = 0
        for position in 0..<20 {
          let place = sequence * 20 + position
          if batch.inputs[place] == 0 { start = Int32(position) }
          #expect(batch.documentStarts[place] == start)
        }
      }
    }
  }

  @Test func joinedDocumentsAreNotLookedFor() throws {
    let loader = try LanguageModelingLoader(
      file: file([1, 0, 2, 0, 3, 0, 4]), sequences: 1, context: 3, microbatches: 1, seed: 1)
    #expect(loader.batch(step: 0, microbatch: 0).documentStarts == [])
  }

  @Test func separateDocumentsNeedASeparator() throws {
    #expect(try DocumentHandling.separate.separator(of: ByteTokenizer(), path: "t.json") == 256)
    #expect(try DocumentHandling.joined.separator(of: nil, path: nil) == nil)
    #expect(throws: MissingSeparatorError(path: nil)) {
      try DocumentHandling.separate.separator(of: nil, path: nil)
    }
  }
}
