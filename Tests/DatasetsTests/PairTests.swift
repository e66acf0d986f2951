import LockstepDatasets
import TestSupport
import Testing

@Suite struct PairTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Sentences of 1 to 20 words; line i of the target has as many and says the same twice.
  private func sentences(_ count: Int) -> (source: String, target: String) {
    var generator = SeededGenerator(seed: 6)
    let lines = (0..<count).map { line in
      let words = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
        ["le", "chat", "dort", "bien", "été"][Int.random(in: 0..<5, using: &generator)]
      }
      return "\(line) " + words.joined(separator: " ")
    }
    return (
      lines.map { $0 + "\n" }.joined(), lines.map { $0 + " " + $0 + "\n" }.joined()
    )
  }

  private func prepare(
    _ source: String, _ target: String, heldOut: [String] = [], output: String = "data",
    vocabularySize: Int = 275, overwrites: Bool = false
  ) throws -> PairPreparation.Outcome {
    try PairPreparation(
      inputs: [try directory.write("text.en", source), try directory.write("text.fr", target)],
      heldOut: heldOut, output: directory.path + "/" + output,
      tokenizer: .bytePairEncoding(vocabularySize: vocabularySize), overwrites: overwrites
    ).run()
  }

  private func pairs(_ part: String = "train", in output: String = "data") throws -> PairFile {
    let path = directory.path + "/\(output)/\(part)"
    let tokenizer = try TokenizerFile.load(directory.path + "/\(output)/tokenizer.json")
    return try PairFile(
      source: TokenFile(path: path + ".source.bin"), target: TokenFile(path: path + ".target.bin"),
      endOfText: #require(tokenizer.endOfText))
  }

  @Test func preparedPairsAreTheLinesOfBothTexts() throws {
    let text = sentences(60)
    let outcome = try prepare("\n" + text.source + "only English\n", "vide\n" + text.target + " \n")
    #expect(outcome.manifest.train.skipped == 2)
    #expect(outcome.manifest.train.pairs == 57)
    #expect(outcome.manifest.validation?.pairs == 3)
    let tokenizer = try TokenizerFile.load(directory.path + "/data/tokenizer.json")
    let lines = zip(text.source.split(separator: "\n"), text.target.split(separator: "\n"))
    let (train, heldOut) = (try pairs(), try pairs("validation"))
    #expect(train.count == 57 && heldOut.count == 3)
    for (index, line) in lines.enumerated() {
      let pair = index < 57 ? train[index] : heldOut[index - 57]
      #expect(tokenizer.decode(pair.source) == line.0 + "<|endoftext|>")
      #expect(tokenizer.decode(pair.target) == line.1 + "<|endoftext|>")
    }
    #expect(
      try prepare("\n" + text.source + "only English\n", "vide\n" + text.target + " \n").wasPrepared
    )
  }

  @Test func heldOutTextsAreTakenAsTheyAre() throws {
    let text = sentences(40)
    let heldOut = [
      try directory.write("v.en", "a cat\r\nthe cat\r\n"),
      try directory.write("v.fr", "chat\nle chat"),
    ]
    let outcome = try prepare(text.source, text.target, heldOut: heldOut)
    #expect(outcome.manifest.train.pairs == 40 && outcome.manifest.validation?.pairs == 2)
    let tokenizer = try TokenizerFile.load(directory.path + "/data/tokenizer.json")
    #expect(tokenizer.decode(try pairs("validation")[0].source) == "a cat<|endoftext|>")
    #expect(tokenizer.decode(try pairs("validation")[1].target) == "le chat<|endoftext|>")
  }

  @Test func textsThatAreNotLineForLineAreRefused() throws {
    let text = sentences(10)
    #expect(throws: PairError.self) { try prepare(text.source, text.target + "more\n") }
    do {
      _ = try prepare("a\nb\nc\n", "a\nb\n")
    } catch let error as PairError {
      #expect("\(error)".contains("text.en has 3 lines"))
      #expect("\(error)".contains("text.fr has 2"))
    }
    #expect(
      throws: PairError.noPairs(
        source: directory.path + "/text.en", target: directory.path + "/text.fr")
    ) { try prepare("a\n\n", "\nb\n") }
    #expect(throws: PairError.self) {
      try PairPreparation(inputs: ["one"], output: "x", tokenizer: .bytes)
    }
    #expect(throws: PreparationError.self) { try prepare("", "a\n") }
    #expect(try !directory.names().contains("data"))
  }

  @Test func anotherDataSetIsReplacedOnlyWhenAsked() throws {
    let text = sentences(20)
    _ = try prepare(text.source, text.target)
    #expect(throws: PreparationError.self) {
      try prepare(text.source, text.target, vocabularySize: 270)
    }
    let replaced = try prepare(text.source, text.target, vocabularySize: 270, overwrites: true)
    #expect(replaced.manifest.tokenizer.vocabularySize == 270)
    #expect(throws: PreparationError.self) {
      try DatasetPreparation(
        inputs: [directory.path + "/text.en"], output: directory.path + "/data", tokenizer: .bytes
      ).run()
    }
  }

  @Test func theOldDataSetStaysWhereTheNewOneCanNotBeMade() throws {
    let text = sentences(20)
    _ = try prepare(text.source, text.target)
    let files = try directory.names(in: "data")
    #expect(throws: PairError.endOfTextInLine(path: directory.path + "/text.fr", line: 21)) {
      try prepare(text.source + "a\nb\n", text.target + "c<|endoftext|>\nd\n", overwrites: true)
    }
    #expect(try directory.names(in: "data") == files)
    #expect(try prepare(text.source, text.target).wasPrepared)
  }

  @Test func whatCanNotBeExpressedIsToldByFileAndLine() throws {
    let preparation = try PairPreparation(
      inputs: [try directory.write("a.en", "a\nb\n"), try directory.write("a.fr", "c\nd\n")],
      heldOut: [
        try directory.write("v.en", "a\n\nb\n"), try directory.write("v.fr", "c\nc\ncé\n"),
      ],
      output: directory.path + "/data", tokenizer: .characters)
    var found = ""
    do { _ = try preparation.run() } catch { found = "\(error)" }
    #expect(
      found.hasPrefix(
        "\(directory.path)/v.fr: line 3: the character tokenizer has never seen 'é' (U+00E9), "
          + "found at byte 1: "), "\(found)")
  }

  @Test func tokenFilesThatDoNotBelongTogetherAreRefused() throws {
    let text = sentences(20)
    _ = try prepare(text.source, text.target)
    let (train, heldOut) = (try pairs(), try pairs("validation"))
    #expect(throws: PairError.self) {
      try PairFile(source: train.source, target: heldOut.target, endOfText: train.endOfText)
    }
    #expect(throws: PairError.noEnd(path: train.source.path)) {
      try PairFile(source: train.source, target: train.target, endOfText: 3)
    }
  }

  // MARK: - Batches

  private func loader(
    _ file: PairFile, sequences: Int = 4, context: Int = 200, microbatches: Int = 3,
    seed: UInt64 = 5
  ) throws -> PairLoader {
    try PairLoader(
      file, sequences: sequences, context: context, microbatches: microbatches, seed: seed)
  }

  /// The texts of a batch's rows, and what is to be written.
  private func rows(_ batch: PairBatch) -> [[Int32]] {
    (0..<batch.sequenceCount).map { row in
      let start = row * batch.sourcePositionCount
      let first = row * batch.targetPositionCount
      return Array(batch.sources[start..<start + batch.sourceLengths[row]])
        + batch.targets[first..<first + batch.targetPositionCount].filter { $0 >= 0 }
    }
  }

  @Test func anEpochHasEachPairOnceButForAnIncompleteStep() throws {
    let text = sentences(64)
    _ = try prepare(text.source, text.target)
    let file = try pairs()
    #expect(file.count == 61)
    let loader = try loader(file)
    #expect(loader.stepCount == 5)
    var batch = PairBatch()
    for epoch in 0..<2 {
      var seen: Set<[Int32]> = []
      for step in 5 * epoch..<5 * epoch + 5 {
        for microbatch in 0..<3 {
          loader.fill(&batch, step: step, microbatch: microbatch)
          seen.formUnion(rows(batch))
        }
      }
      #expect(seen.count == 60)
      #expect(seen.isSubset(of: (0..<61).map { file[$0].source + file[$0].target }))
    }
  }

  @Test func aBatchIsAFunctionOfStepAndMicrobatchAlone() throws {
    let text = sentences(64)
    _ = try prepare(text.source, text.target)
    let file = try pairs()
    func batches(_ places: [(Int, Int)], seed: UInt64 = 5) throws -> [PairBatch] {
      let loader = try loader(file, seed: seed)
      return places.map { step, microbatch in
        var batch = PairBatch()
        loader.fill(&batch, step: step, microbatch: microbatch)
        return batch
      }
    }
    let places = [0, 3, 4, 5, 11, 40].flatMap { step in (0..<3).map { (step, $0) } }
    let inOrder = try batches(places)
    #expect(try batches(places.reversed()) == inOrder.reversed())
    #expect(try batches(places, seed: 6) != inOrder)
    #expect(Set(inOrder.map(\.sources)).count > 12)
  }

  @Test func batchesHoldTheInputsShiftedAndLittlePadding() throws {
    let text = sentences(400)
    _ = try prepare(text.source, text.target)
    let file = try pairs()
    let loader = try loader(file, sequences: 8, microbatches: 4)
    var batch = PairBatch()
    var (tokens, places, longest, total) = (0, 0, 0, 0)
    for step in 0..<10 {
      var work: [Int] = []
      for microbatch in 0..<4 {
        loader.fill(&batch, step: step, microbatch: microbatch)
        let width = batch.targetPositionCount
        #expect(batch.sourcePositionCount == batch.sourceLengths.max())
        for row in 0..<8 {
          let targets = batch.targets[row * width..<(row + 1) * width].filter { $0 >= 0 }
          #expect(targets.last == file.endOfText)
          #expect(batch.inputs[row * width] == file.endOfText)
          let inputs = batch.inputs[row * width + 1..<row * width + targets.count]
          #expect(Array(inputs) == targets.dropLast())
        }
        #expect(batch.targetCount == batch.targets.count { $0 >= 0 })
        tokens += batch.targetCount
        places += batch.targets.count
        work.append(batch.sourcePositionCount + batch.targetPositionCount)
      }
      longest += work.reduce(0, max)
      total += work.reduce(0, +)
    }
    // Four ranks would next to never wait for each other.
    #expect(Double(4 * longest) / Double(total) < 1.1)
    #expect(Double(tokens) / Double(places) > 0.85)
  }

  @Test func longPairsAreLeftOut() throws {
    let text = sentences(64)
    _ = try prepare(text.source, text.target)
    let file = try pairs()
    let loader = try loader(file, sequences: 1, context: 30)
    #expect(loader.pairCount < 61 && loader.pairCount > 5)
    var batch = PairBatch()
    for index in 0..<loader.evaluationBatchCount {
      loader.fill(&batch, evaluationBatch: index)
      #expect(batch.targetCount <= 30 && batch.sourceLengths[0] <= 30)
    }
    #expect(loader.evaluationBatchCount == loader.pairCount)
    #expect(throws: PairError.self) { try self.loader(file, sequences: 40, context: 30) }
  }

  @Test func anEvaluationHasAllPairsOnce() throws {
    let text = sentences(64)
    _ = try prepare(text.source, text.target)
    let file = try pairs()
    let loader = try loader(file, sequences: 9)
    var batch = PairBatch()
    var seen: Set<[Int32]> = []
    for index in 0..<loader.evaluationBatchCount {
      loader.fill(&batch, evaluationBatch: index)
      seen.formUnion(rows(batch))
    }
    #expect(seen == Set((0..<61).map { file[$0].source + file[$0].target }))
  }
}
