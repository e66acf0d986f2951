import LockstepDatasets
import LockstepParallelism
import Testing

/// Which samples are read when, how they are normalised, and how images are changed.
@Suite struct SampleLoaderTests {
  /// 6 images of 3 × 4 pixels; image i has label i.
  private static let images: SampleSet = {
    let pixels = (0..<72).map { UInt8(3 * $0 + 1) }
    return try! SampleSet(
      images: (SampleFileTests.idx([6, 3, 4], pixels), "images"),
      labels: (SampleFileTests.idx([6], Array(0..<6)), "labels"), classCount: nil)
  }()

  private static func loader(
    normalizes: Bool = false, batchSize: Int = 4, microbatches: Int = 3, seed: UInt64 = 1,
    _ change: (inout ImageAugmentation) -> Void = { _ in }
  ) -> SampleLoader {
    var augmentation = ImageAugmentation()
    change(&augmentation)
    return SampleLoader(
      images, description: SampleDescription(of: images, normalizes: normalizes),
      batchSize: batchSize, microbatches: microbatches, augmentation: augmentation, seed: seed)
  }

  private static func batch(_ loader: SampleLoader, _ step: Int, _ microbatch: Int) -> SampleBatch {
    var batch = SampleBatch()
    loader.fill(&batch, step: step, microbatch: microbatch)
    return batch
  }

  @Test func everyEpochHasEverySampleOnceInAnOrderOfItsOwn() {
    let sampler = SampleSampler(count: 50, seed: 3)
    let epochs = (0..<4).map { epoch in (0..<50).map { sampler.sample(50 * epoch + $0) } }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<50)) }
    #expect(Set(epochs).count == 4)
    let other = SampleSampler(count: 50, seed: 4)
    #expect((0..<50).map(other.sample) != epochs[0])
  }

  /// Whatever the shape of a step, the same samples are read in the same order.
  @Test func theOrderDoesNotDependOnHowAStepIsCut() {
    func labels(batchSize: Int, microbatches: Int) -> [Int32] {
      let loader = Self.loader(batchSize: batchSize, microbatches: microbatches)
      return (0..<24 / (batchSize * microbatches)).flatMap { step in
        (0..<microbatches).flatMap { Self.batch(loader, step, $0).classes }
      }
    }
    let order = labels(batchSize: 4, microbatches: 3)
    #expect(order.count == 24)
    #expect(labels(batchSize: 2, microbatches: 6) == order)
    #expect(labels(batchSize: 1, microbatches: 2) == order)
  }

  @Test func evaluationReadsAllSamplesInOrderAsTheyAre() {
    let loader = Self.loader { $0.shift = 2 }
    var batch = SampleBatch()
    #expect(loader.evaluationBatchCount == 2)
    loader.fill(&batch, evaluationBatch: 0)
    #expect(batch.classes == [0, 1, 2, 3])
    loader.fill(&batch, evaluationBatch: 1)
    #expect(batch.classes == [4, 5] && batch.count == 2)
    let expected: [Float] = (48..<72).map { Float(Double(3 * $0 + 1) / 255) }
    #expect(batch.features == expected)
  }

  @Test func aBatchIsTheSameOnAnyNumberOfThreads() {
    let pool = ThreadPool(threadCount: 3)
    for shift in [0, 2] {
      let loader = Self.loader(batchSize: 5003) { $0.shift = shift }
      let alone = Self.batch(loader, 3, 1)
      // What a larger batch left behind is written over.
      var shared = Self.batch(Self.loader(batchSize: 6000), 0, 0)
      loader.fill(&shared, step: 3, microbatch: 1, on: pool)
      #expect(shared == alone && alone.features.count == 5003 * 12)
    }
  }

  @Test func pixelsAreNormalizedOverAllImages() {
    let loader = Self.loader(normalizes: true)
    var values: [Double] = []
    var batch = SampleBatch()
    for index in 0..<loader.evaluationBatchCount {
      loader.fill(&batch, evaluationBatch: index)
      values += batch.features.map(Double.init)
    }
    let mean = values.reduce(0, +) / 72
    let squares: Double = values.reduce(0) { $0 + $1 * $1 }
    let variance = squares / 72 - mean * mean
    #expect(abs(mean) < 1e-6 && abs(variance - 1) < 1e-6)
  }

  @Test func columnsAreNormalizedEachByItself() throws {
    let table = try CSVTable(Array("a,b,y\n1,5,10\n3,5,20\n5,5,60\n".utf8), path: "t")
    let set = try SampleSet(table: table, target: "y", columns: ["a", "b"], classes: nil)
    let description = SampleDescription(of: set, normalizes: true)
    #expect(description.means == [3, 5])
    #expect(abs(description.deviations[0] - (8.0 / 3).squareRoot()) < 1e-12)
    // A column that is the same in all rows becomes zero.
    #expect(description.deviations[1] == 1)
    #expect(description.targetMean == 30)
    let loader = SampleLoader(set, description: description, batchSize: 3)
    var batch = SampleBatch()
    loader.fill(&batch, evaluationBatch: 0)
    #expect(batch.values == [10, 20, 60])
    #expect(batch.features[2] == 0 && batch.features[1] == 0)
    #expect(abs(batch.features[4] - 1.224_745) < 1e-6)
  }

  @Test func mirroringReversesEveryRow() {
    let plain = Self.batch(Self.loader(), 0, 1)
    let mirrored = Self.batch(Self.loader { $0.flip = 1 }, 0, 1)
    #expect(mirrored.classes == plain.classes)
    for row in 0..<4 * 3 {
      let range = 4 * row..<4 * row + 4
      #expect(Array(mirrored.features[range]) == plain.features[range].reversed())
    }
  }

  @Test func shiftedImagesAreMovedByWholePixelsAndBlankBeyond() {
    let plain = Self.batch(Self.loader(), 0, 0)
    let shifted = Self.batch(Self.loader { $0.shift = 1 }, 0, 0)
    var moves: Set<[Int]> = []
    for image in 0..<4 {
      func pixel(_ batch: SampleBatch, _ row: Int, _ column: Int) -> Float {
        guard 0..<3 ~= row, 0..<4 ~= column else { return 0 }
        return batch.features[image * 12 + row * 4 + column]
      }
      let candidates = (-1...1).flatMap { down in (-1...1).map { [down, $0] } }.filter { move in
        (0..<12).allSatisfy {
          pixel(shifted, $0 / 4, $0 % 4) == pixel(plain, $0 / 4 - move[0], $0 % 4 - move[1])
        }
      }
      #expect(candidates.count == 1, "image \(image)")
      moves.formUnion(candidates)
    }
    #expect(moves.count > 1)
  }

  @Test func erasedSquaresAreZero() {
    let erased = Self.batch(Self.loader { $0.erase = 2 }, 0, 0)
    let plain = Self.batch(Self.loader(), 0, 0)
    for image in 0..<4 {
      let range = image * 12..<image * 12 + 12
      let zeros = erased.features[range].count { $0 == 0 }
      #expect((1...4).contains(zeros))
      let isKept = zip(erased.features[range], plain.features[range]).map { $0 == 0 || $0 == $1 }
      #expect(!isKept.contains(false))
    }
  }

  @Test func changesAreThoseOfTheStepAndOfNoOtherEpoch() {
    let loader = Self.loader {
      ($0.shift, $0.flip, $0.erase) = (2, 0.5, 2)
    }
    let first = Self.batch(loader, 5, 2)
    #expect(Self.batch(loader, 5, 2) == first)
    let epochs = (0..<20).map { Self.batch(loader, $0, 0).features }
    #expect(Set(epochs).count == 20)
    let single = Self.loader(batchSize: 1, microbatches: 1) { $0.flip = 0.3 }
    var mirrored = 0
    for step in 0..<500 {
      let pixels = Self.batch(single, step, 0).features
      if pixels[0] > pixels[3] { mirrored += 1 }
    }
    #expect((100...200).contains(mirrored))
  }
}
