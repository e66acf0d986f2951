import LockstepDatasets
import TestSupport
import Testing

@Suite struct AugmentationTests {
  /// Sequences of tokens 0 ..< 40 in turn; 40 is special, 41 the mask.
  private func batch(sequences: Int = 4, positions: Int = 100) -> TokenBatch {
    var batch = TokenBatch(sequenceCount: sequences, positionCount: positions)
    for place in batch.inputs.indices { batch.inputs[place] = Int32(place % 40) }
    return batch
  }

  private func masking(
    seed: UInt64 = 3, _ change: (inout MaskingConfiguration) -> Void = { _ in }
  ) -> TokenMasking {
    var configuration = MaskingConfiguration()
    change(&configuration)
    return TokenMasking(configuration, vocabulary: MaskingVocabulary(count: 42), seed: seed)
  }

  // MARK: - Masking

  @Test(arguments: [1, 4]) func asManyTokensAreHiddenInEverySequence(span: Int) {
    let masking = masking { $0.span = span }
    #expect(masking.count(positions: 100) == 15)
    let original = batch()
    for number in 0..<50 {
      var batch = original
      for sequence in 0..<4 { masking.mask(&batch, sequence: sequence, number: number + sequence) }
      for sequence in 0..<4 {
        let row = sequence * 100..<(sequence + 1) * 100
        let hidden = row.filter { batch.targets[$0] != TokenBatch.ignoredTarget }
        #expect(hidden.count == 15)
        for place in row {
          if hidden.contains(place) {
            #expect(batch.targets[place] == original.inputs[place])
          } else {
            #expect(batch.inputs[place] == original.inputs[place])
          }
        }
      }
    }
  }

  @Test func sharesAreThoseAskedFor() {
    let masking = masking()
    var (masks, kept, others, total) = (0.0, 0.0, 0.0, 0.0)
    var byPosition = [Int](repeating: 0, count: 100)
    for number in 0..<2000 {
      let original = batch(sequences: 1)
      var batch = original
      masking.mask(&batch, sequence: 0, number: number)
      for place in 0..<100 where batch.targets[place] != TokenBatch.ignoredTarget {
        total += 1
        byPosition[place] += 1
        if batch.inputs[place] == 41 {
          masks += 1
        } else if batch.inputs[place] == original.inputs[place] {
          kept += 1
        } else {
          others += 1
        }
      }
    }
    #expect(abs(masks / total - 0.8) < 0.01)
    // One replacement of 41 is the token itself.
    #expect(abs(kept / total - 0.1 - 0.1 / 41) < 0.01)
    #expect(abs(others / total - 0.1) < 0.01)
    // 300 of 2,000 at each position, within five deviations.
    #expect(byPosition.allSatisfy { abs(Double($0) - 300) < 5 * 16 })
  }

  @Test func masksAreAFunctionOfSeedAndNumber() {
    func inputs(seed: UInt64, number: Int) -> [Int32] {
      var batch = batch(sequences: 1)
      masking(seed: seed).mask(&batch, sequence: 0, number: number)
      return batch.inputs
    }
    #expect(inputs(seed: 3, number: 7) == inputs(seed: 3, number: 7))
    #expect(inputs(seed: 3, number: 7) != inputs(seed: 3, number: 8))
    #expect(inputs(seed: 3, number: 7) != inputs(seed: 4, number: 7))
  }

  @Test func spansAreHiddenTogether() {
    func runs(span: Int) -> Double {
      var (runs, hidden) = (0.0, 0.0)
      for number in 0..<200 {
        var batch = batch(sequences: 1)
        masking { $0.span = span }.mask(&batch, sequence: 0, number: number)
        let isHidden = batch.targets.map { $0 != TokenBatch.ignoredTarget }
        hidden += Double(isHidden.count { $0 })
        runs += Double((0..<100).count { isHidden[$0] && !isHidden[($0 + 99) % 100] })
      }
      return hidden / runs
    }
    // 15 tokens in 5 spans, in 15, and by chance together when single.
    #expect(runs(span: 3) == 3)
    #expect(runs(span: 1) < 1.3)
  }

  @Test func specialTokensAreNeverHidden() throws {
    let tokenizer = ByteTokenizer().adding(special: [Vocabulary.maskName])
    let vocabulary = try #require(MaskingVocabulary(tokenizer))
    #expect(vocabulary.mask == 257 && vocabulary.textTokens == Array(0..<256))
    #expect(MaskingVocabulary(ByteTokenizer()) == nil)
    var configuration = MaskingConfiguration()
    for span in [1, 3] {
      configuration.span = span
      configuration.share = 0.5
      let masking = TokenMasking(configuration, vocabulary: vocabulary, seed: 1)
      var batch = TokenBatch(sequenceCount: 1, positionCount: 40)
      for place in 0..<40 { batch.inputs[place] = place % 4 == 0 ? 256 : 7 }
      masking.mask(&batch, sequence: 0, number: 5)
      #expect(batch.targets.allSatisfy { $0 == TokenBatch.ignoredTarget || $0 == 7 })
      #expect(batch.targetCount > 10 && batch.targetCount <= 20)
    }
  }

  @Test func aSequenceOfOneTokenIsHidden() {
    var batch = batch(sequences: 1, positions: 1)
    masking { $0.span = 3 }.mask(&batch, sequence: 0, number: 0)
    #expect(batch.targetCount == 1)
  }

  @Test func heldOutTokensAreHiddenAlikeInBatchesOfAnySize() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/file.bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: 41)
    try writer.append((0..<333).map { Int32($0 % 41) })
    try writer.finish()
    let file = try TokenFile(path: path)
    func rows(sequences: Int) throws -> [[Int32]] {
      let batches = try MaskedEvaluationBatches(
        file: file, sequences: sequences, context: 16, masking: MaskingConfiguration(),
        vocabulary: MaskingVocabulary(count: 42))
      #expect(batches.windowCount == 20 && batches.count == (20 + sequences - 1) / sequences)
      #expect(batches.predictedCount == 2 * sequences)
      var batch = batches.emptyBatch()
      var rows: [[Int32]] = []
      for index in 0..<batches.count {
        batches.fill(&batch, at: index)
        for sequence in 0..<sequences {
          let row = sequence * 16..<(sequence + 1) * 16
          rows.append(Array(batch.inputs[row] + batch.targets[row]))
        }
      }
      #expect(rows.dropFirst(20).allSatisfy { $0[16...].allSatisfy { $0 == -1 } })
      return Array(rows.prefix(20))
    }
    #expect(try rows(sequences: 3) == rows(sequences: 8))
    #expect(throws: TokenFileError.self) {
      try MaskedEvaluationBatches(
        file: file, sequences: 1, context: 333, masking: MaskingConfiguration(),
        vocabulary: MaskingVocabulary(count: 42))
    }
  }

  // MARK: - Token dropout

  @Test func tokensAreDroppedWithTheProbabilityAskedFor() {
    let dropout = TokenDropout(probability: 0.2, replacements: [50, 51], seed: 9)
    var (dropped, total) = (0.0, 0.0)
    for number in 0..<500 {
      let original = batch(sequences: 1)
      var batch = original
      dropout.apply(to: &batch, sequence: 0, number: number)
      #expect(batch.targets == original.targets)
      let changed = (0..<100).filter { batch.inputs[$0] != original.inputs[$0] }
      #expect(changed.allSatisfy { [50, 51].contains(batch.inputs[$0]) })
      dropped += Double(changed.count)
      total += 100
    }
    #expect(abs(dropped / total - 0.2) < 0.01)
  }

  @Test func hiddenTokensAreSparedOnRequest() {
    let dropout = TokenDropout(probability: 0.9, replacements: [50], seed: 9)
    var batch = batch(sequences: 1)
    masking().mask(&batch, sequence: 0, number: 1)
    let before = batch.inputs
    dropout.apply(to: &batch, sequence: 0, number: 1, sparesTargets: true)
    for place in 0..<100 where batch.targets[place] != TokenBatch.ignoredTarget {
      #expect(batch.inputs[place] == before[place])
    }
    #expect(batch.inputs.count { $0 == 50 } > 60)
  }

  // MARK: - Span corruption

  /// The text can be put together again from the exercise, and all of it is there.
  @Test(arguments: [(4, 0.15, 3), (20, 0.15, 3), (128, 0.15, 3), (64, 0.5, 1), (33, 0.3, 8)])
  func anExerciseHoldsItsText(positions: Int, share: Double, meanLength: Int) throws {
    var augmentation = TokenAugmentation()
    augmentation.spanCorruption = 1
    augmentation.corruptedShare = share
    augmentation.corruptedSpan = meanLength
    let sentinels = augmentation.sentinelNames(positions: positions).indices.map {
      Int32(1000 + $0)
    }
    let augmenter = SequenceAugmenter(
      augmentation, positions: positions, replacements: [], sentinels: sentinels, seed: 2)
    for number in 0..<20 {
      var batch = TokenBatch(sequenceCount: 2, positionCount: positions)
      for place in batch.inputs.indices { batch.inputs[place] = Int32(place % positions) }
      augmenter.apply(to: &batch, sequence: 1, number: number)
      #expect(batch.inputs[..<positions].elementsEqual(0..<Int32(positions)), "not the other one")
      let inputs = Array(batch.inputs[positions...])
      let targets = Array(batch.targets[positions...])
      let bar = try #require(targets.firstIndex { $0 >= 0 })
      #expect(targets[bar] == 1000, "the answer begins with the first sentinel")
      let end = try #require(targets.lastIndex { $0 >= 0 })
      for position in bar..<end { #expect(targets[position] == inputs[position + 1]) }
      #expect(targets[(end + 1)...].allSatisfy { $0 == TokenBatch.ignoredTarget })

      // Each sentinel of the answer is followed by what belongs in its place in the question.
      var spans: [Int32: [Int32]] = [:]
      var sentinel: Int32 = 0
      for token in targets[bar...end] {
        if token >= 1000 { sentinel = token } else { spans[sentinel, default: []].append(token) }
      }
      #expect(sentinel == 1000 + Int32(spans.count), "one more sentinel ends the answer")
      let text = inputs[...bar].flatMap { $0 >= 1000 ? spans[$0] ?? [] : [$0] }
      #expect(text == Array(0..<Int32(text.count)))
      let cutOut = spans.values.reduce(0) { $0 + $1.count }
      let wanted = max(1, Int((share * Double(text.count)).rounded()))
      #expect(cutOut == wanted)
      #expect(text.count + 2 * spans.count <= positions)
      #expect(text.count + 2 * spans.count >= positions - 3, "as much text as there is room for")
    }
  }

  @Test func theShareOfExercisesIsThatAskedFor() {
    var augmentation = TokenAugmentation()
    augmentation.spanCorruption = 0.3
    let augmenter = SequenceAugmenter(
      augmentation, positions: 32, replacements: [], sentinels: Array(100..<110), seed: 2)
    var exercises = 0
    for number in 0..<2000 {
      var batch = batch(sequences: 1, positions: 32)
      augmenter.apply(to: &batch, sequence: 0, number: number)
      if batch.inputs.contains(100) { exercises += 1 }
    }
    #expect(abs(Double(exercises) / 2000 - 0.3) < 0.05)
  }

  // MARK: - Added tokens

  @Test(arguments: [TokenizerKind.bytePairEncoding, .bytes, .characters])
  func addedTokensChangeNeitherTextsNorTheHash(kind: TokenizerKind) throws {
    let tokenizer = try TokenizerFile.load(Fixture.path("saved-\(kind.rawValue).json"))
    let names = [Vocabulary.maskName, Vocabulary.sentinelName(0), Vocabulary.sentinelName(1)]
    let extended: any Tokenizer = tokenizer.adding(special: names)
    let count = tokenizer.vocabularyCount
    #expect(extended.vocabularyCount == count + 3)
    #expect(extended.vocabulary.textCount == count && tokenizer.vocabulary.textCount == count)
    #expect(extended.mask == Int32(count) && tokenizer.mask == nil)
    #expect(extended.contentHash == tokenizer.contentHash)
    let again: any Tokenizer = extended.adding(special: names)
    #expect(again.vocabulary == extended.vocabulary)

    let loaded = try TokenizerFile.tokenizer(from: extended.tokenizerJSON(), path: "extended.json")
    #expect(loaded.kind == kind && loaded.vocabulary == extended.vocabulary)
    #expect(loaded.contentHash == tokenizer.contentHash)
    #expect(loaded.vocabulary.id(ofSpecial: "<extra_id_1>") == Int32(count + 2))
    let text = "and the [MASK] said"
    if kind != .characters { #expect(try loaded.encode(text) == tokenizer.encode(text)) }
    let mask = try #require(loaded.mask)
    let parts = (try loaded.encode("and the"), try loaded.encode(" said"))
    #expect(try loaded.encodeMasked(text, mask: mask) == parts.0 + [mask] + parts.1)
    #expect(try loaded.encodeMasked("[MASK][MASK]", mask: mask) == [mask, mask])
    if kind != .characters {
      let accent = try loaded.encode("\u{301}")
      #expect(try loaded.encodeMasked("[MASK]\u{301}", mask: mask) == [mask] + accent)
    }
  }
}
