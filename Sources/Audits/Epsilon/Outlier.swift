import LockstepDatasets
import LockstepTensors
import LockstepTraining

/// A sample that is made to stand out, so that its gradient is long and unlike those of others.
package struct Outlier {
  /// The pool with the sample, which is its last one.
  package let pool: SamplePool
  /// "an image of random pixels".
  package let description: String
  package var number: Int { pool.count - 1 }

  /// - Parameters:
  ///   - pool: What it is to stand out of.
  ///   - draws: Decide what is random of it.
  package init(in pool: SamplePool, _ draws: AuditDraws) {
    switch pool.content {
    case .sequences(let parts, let vocabularyCount, let architecture):
      let token = Self.rarestToken(in: parts, of: vocabularyCount)
      let context = parts[0].context
      let window = [Int32](repeating: token, count: context + 1)
      let added = WindowBatches([window], context: context)
      self.init(
        pool: pool.inventing(
          .sequences(parts + [added], vocabularyCount: vocabularyCount, architecture)),
        description: "a window of token \(token) alone, the rarest one")
    case .samples(let samples, let description, let architecture):
      let invented = Self.sample(like: samples, classCount: description.classes?.count, draws)
      let kind =
        description.columns == nil
        ? "an image of random black and white pixels" : "a row far outside"
      self.init(
        pool: pool.inventing(
          .samples(samples.appending(invented), description, architecture)),
        description: kind
          + (description.classes == nil ? "" : ", of a random class"))
    case .texts(let texts, let vocabularyCount, let architecture):
      // A text of the data, under the next class.
      let invented = texts.one(
        draws.number(below: texts.count, .outlier), underNextClassOf: pool.classCount)
      self.init(
        pool: pool.inventing(
          .texts(texts.appending(invented), vocabularyCount: vocabularyCount, architecture)),
        description: "a text of the data under another class")
    }
  }

  private init(pool: SamplePool, description: String) {
    (self.pool, self.description) = (pool, description)
  }

  /// The token that is there least often, the first of several; looked for in the first 1,024 windows.
  private static func rarestToken(in parts: [any SampledBatches], of vocabularyCount: Int) -> Int32
  {
    var counts = [Int](repeating: 0, count: vocabularyCount)
    var batch = parts[0].emptyBatch()
    for sample in 0..<min(1024, parts[0].sampleCount) {
      parts[0].fill(&batch, samples: [sample])
      for token in batch.inputs where token >= 0 { counts[Int(token)] += 1 }
    }
    return Int32(counts.indices.min { counts[$0] < counts[$1] } ?? 0)
  }

  /// Pixels that are black or white, or numbers three times as large as any in their column.
  private static func sample(
    like samples: SampleSet, classCount: Int?, _ draws: AuditDraws
  ) -> SampleSet {
    let width = samples.featureCount
    func isHigh(_ place: Int) -> Bool { draws.word(.outlier, 1, at: place) & 1 == 1 }
    let features: SampleSet.Features =
      switch samples.features {
      case .pixels: .pixels(SampleElements((0..<width).map { isHigh($0) ? 255 : 0 }))
      case .numbers(let numbers):
        .numbers(
          SampleElements(
            (0..<width).map { column in
              let largest = stride(from: column, to: numbers.count, by: width)
                .reduce(Float(0)) { max($0, abs(numbers[$1])) }
              return (isHigh(column) ? 3 : -3) * max(largest, 1)
            }))
      }
    let targets: SampleSet.Targets =
      switch samples.targets {
      case .values(let values):
        .values([(values.map(abs).max() ?? 1) * (isHigh(width) ? 3 : -3)])
      case .classes, .unknown:
        .classes([Int32(draws.number(below: classCount ?? 1, .outlier, 2))])
      }
    return SampleSet(
      path: samples.path, count: 1, sampleShape: samples.sampleShape, features: features,
      targets: targets)
  }
}
