import LockstepDatasets
import Testing

struct WindowSamplerTests {
  @Test(arguments: [1, 2, 3, 4, 5, 7, 16, 17, 100, 255, 256, 257, 1000, 4097, 65_537])
  func permutationsHitEveryIndexOnce(count: Int) {
    for key: UInt64 in [0, 1, 1 << 63] {
      let permutation = IndexPermutation(count: count, key: key)
      var hits = [Bool](repeating: false, count: count)
      for index in 0..<count { hits[permutation[index]] = true }
      #expect(!hits.contains(false))
    }
  }

  @Test func permutationsOfHugeCountsStayInside() {
    let permutation = IndexPermutation(count: 1 << 40 + 12_345, key: 7)
    for index in 0..<1000 {
      #expect((0..<permutation.count).contains(permutation[index * 1_000_003]))
    }
  }

  /// Mean, spread and neighbourhood of a permutation are those of chance: the bounds are wider than
  /// six standard deviations.
  @Test(arguments: [1337, 42] as [UInt64])
  func permutationsLookRandom(key: UInt64) {
    let count = 20_000
    let permutation = IndexPermutation(count: count, key: key)
    let values = (0..<count).map { Double(permutation[$0]) / Double(count) }
    let half = values.prefix(count / 2).reduce(0, +) / Double(count / 2)
    #expect(abs(half - 0.5) < 0.018)
    let products = zip(values, values.dropFirst()).map { ($0 - 0.5) * ($1 - 0.5) }
    #expect(abs(products.reduce(0, +) / Double(count - 1)) < 0.0036)
    let fixed = (0..<count).filter { permutation[$0] == $0 }.count
    #expect(fixed < 10)
    let cells = values.prefix(10_000).reduce(into: [Int](repeating: 0, count: 20)) {
      $0[Int($1 * 20)] += 1
    }
    #expect(cells.allSatisfy { abs($0 - 500) < 130 })
  }

  @Test(arguments: [
    (1000, 10), (1009, 10), (11, 10), (19, 10), (20, 10), (29, 10), (30, 10), (5000, 1), (777, 128),
  ])
  func anEpochReadsWindowsThatDoNotOverlap(tokenCount: Int, context: Int) throws {
    let sampler = try WindowSampler(tokenCount: tokenCount, context: context, seed: 1)
    for epoch in 0..<20 {
      let samples = (epoch * sampler.windowCount)..<((epoch + 1) * sampler.windowCount)
      let starts = samples.map { sampler.start(ofSample: $0) }.sorted()
      #expect(starts.allSatisfy { $0 >= 0 && $0 + context < tokenCount })
      #expect(zip(starts, starts.dropFirst()).allSatisfy { $1 - $0 == context })
      #expect(samples.allSatisfy { sampler.epoch(ofSample: $0) == epoch })
      // What is left out is less than two windows.
      #expect(tokenCount - 1 - sampler.windowCount * context < 2 * context)
    }
  }

  @Test func everyTokenBecomesATargetSoonerOrLater() throws {
    let sampler = try WindowSampler(tokenCount: 107, context: 10, seed: 3)
    var seen = Set<Int>()
    for sample in 0..<(200 * sampler.windowCount) {
      let start = sampler.start(ofSample: sample)
      seen.formUnion((start + 1)...(start + 10))
    }
    #expect(seen == Set(1..<107))
  }

  @Test func epochsDifferAndSeedsDiffer() throws {
    let sampler = try WindowSampler(tokenCount: 10_000, context: 10, seed: 1)
    let other = try WindowSampler(tokenCount: 10_000, context: 10, seed: 2)
    let windows = sampler.windowCount
    let first = (0..<windows).map { sampler.start(ofSample: $0) / 10 }
    let second = (windows..<(2 * windows)).map { sampler.start(ofSample: $0) / 10 }
    let third = (0..<windows).map { other.start(ofSample: $0) / 10 }
    for (one, two) in [(first, second), (first, third), (second, third)] {
      #expect(zip(one, two).filter { $0 == $1 }.count < windows / 50)
    }
  }

  @Test func samplesAreCountedThroughStepsMicrobatchesAndSequences() {
    #expect(
      WindowSampler.sampleIndex(
        step: 0, microbatch: 0, sequence: 0, microbatches: 4, sequences: 8) == 0)
    #expect(
      WindowSampler.sampleIndex(
        step: 2, microbatch: 3, sequence: 5, microbatches: 4, sequences: 8) == 93)
  }

  @Test func aContextLongerThanTheTextIsAnError() {
    #expect(throws: WindowSampler.TextTooShort(tokenCount: 10, context: 10)) {
      try WindowSampler(tokenCount: 10, context: 10, seed: 0)
    }
  }

  @Test func theOrderOfWindowsNeverChanges() throws {
    // A run that is resumed with a later version must find the same place.
    let sampler = try WindowSampler(tokenCount: 1000, context: 10, seed: 1337)
    #expect((0..<8).map { sampler.start(ofSample: $0) } == [727, 887, 37, 337, 427, 7, 817, 57])
  }
}
