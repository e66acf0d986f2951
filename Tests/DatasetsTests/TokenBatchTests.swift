import LockstepDatasets
import TestSupport
import Testing

struct TokenBatchTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// A file whose tokens are their own positions.
  private func file(count: Int) throws -> TokenFile {
    let path = directory.path + "/\(count).bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: max(1, count))
    try writer.append((0..<count).map { Int32($0) })
    try writer.finish()
    return try TokenFile(path: path)
  }

  @Test func targetsAreTheNextTokensOfTheSampledWindows() throws {
    let loader = try LanguageModelingLoader(
      file: file(count: 1000), sequences: 3, context: 16, microbatches: 4, seed: 5)
    let batch = loader.batch(step: 7, microbatch: 2)
    #expect(batch.targetCount == 48)
    for sequence in 0..<3 {
      let start = Int32(loader.mixture.window(ofSample: (7 * 4 + 2) * 3 + sequence).start)
      let row = (sequence * 16)..<((sequence + 1) * 16)
      #expect(Array(batch.inputs[row]) == Array(start..<(start + 16)))
      #expect(Array(batch.targets[row]) == Array((start + 1)..<(start + 17)))
    }
  }

  @Test func batchesDoNotDependOnWhatWasAskedForBefore() throws {
    let loader = try LanguageModelingLoader(
      file: file(count: 1000), sequences: 3, context: 16, microbatches: 4, seed: 5)
    var batch = loader.emptyBatch()
    for (step, microbatch) in [(3, 1), (0, 0), (100, 3), (3, 1)] {
      loader.fill(&batch, step: step, microbatch: microbatch)
      #expect(batch == loader.batch(step: step, microbatch: microbatch))
    }
  }

  @Test func oneEpochOfTrainingReadsEveryWindowOnce() throws {
    let loader = try LanguageModelingLoader(
      file: file(count: 16 * 13 + 5), sequences: 2, context: 16, microbatches: 3, seed: 5)
    #expect(loader.mixture.parts[0].sampler.windowCount == 12)
    let targets = (0..<2).flatMap { step in
      (0..<3).flatMap { loader.batch(step: step, microbatch: $0).targets }
    }
    #expect(Set(targets).count == targets.count)
  }

  @Test func aContextLongerThanTheFileIsAnErrorThatNamesIt() throws {
    let file = try file(count: 16)
    #expect(
      throws: TokenFileError.tooShort(path: file.path, tokenCount: 16, context: 16)
    ) {
      try LanguageModelingLoader(
        file: file, sequences: 1, context: 16, microbatches: 1, seed: 0)
    }
  }

  @Test(arguments: [
    (2, 1, 4), (5, 1, 4), (6, 1, 4), (100, 3, 7), (101, 2, 10), (81, 4, 10), (40, 4, 10),
  ])
  func evaluationCountsEveryTokenButTheFirstOnce(
    tokenCount: Int, sequences: Int, context: Int
  ) throws {
    let batches = try EvaluationBatches(
      file: file(count: tokenCount), sequences: sequences, context: context)
    var targets: [Int32] = []
    var total = 0
    for index in 0..<batches.count {
      let batch = batches[index]
      #expect(batch.inputs.count == sequences * context)
      total += batch.targetCount
      for (input, target) in zip(batch.inputs, batch.targets)
      where target != TokenBatch.ignoredTarget {
        #expect(target == input + 1)
        targets.append(target)
      }
    }
    #expect(targets == Array(1..<Int32(tokenCount)))
    #expect(total == batches.targetCount)
  }

  @Test(arguments: [2, 9, 10, 11, 12, 40, 41, 97], [1, 3, 5, 9, 10])
  func overlappingWindowsCountEveryTargetOnceWithContext(tokenCount: Int, stride: Int) throws {
    let batches = try EvaluationBatches(
      file: file(count: tokenCount), sequences: 3, context: 10, stride: stride)
    var targets: [Int32] = []
    for index in 0..<batches.count {
      let batch = batches[index]
      for (place, target) in batch.targets.enumerated() where target != TokenBatch.ignoredTarget {
        targets.append(target)
        // Tokens of the window before this target: as many as promised, where the file has them.
        #expect(place % 10 >= min(Int(target) - 1, 10 - stride))
      }
    }
    #expect(targets == Array(1..<Int32(tokenCount)))
  }

  @Test func aBatchThatIsFilledAgainKeepsNothing() throws {
    let batches = try EvaluationBatches(file: file(count: 41), sequences: 3, context: 10)
    var batch = batches.emptyBatch()
    batches.fill(&batch, at: 0)
    batches.fill(&batch, at: 1)
    #expect(batch == batches[1])
    #expect(batch.targetCount == 10)
  }

  @Test func aFileWithoutTargetsCannotBeEvaluated() throws {
    let file = try file(count: 1)
    #expect(throws: TokenFileError.tooShort(path: file.path, tokenCount: 1, context: 1)) {
      try EvaluationBatches(file: file, sequences: 1, context: 8)
    }
  }

  @Test func targetBytesLeaveOutWhatDoesNotCount() {
    var batch = TokenBatch(sequenceCount: 1, positionCount: 4)
    #expect(batch.targetByteCount([1, 5, 0]) == 0)
    batch.targets = [1, 0, TokenBatch.ignoredTarget, 2]
    #expect(batch.targetByteCount([1, 5, 0]) == 6)
    #expect(batch.targetCount == 3)
  }
}
