// B samples, F features of each, M micro-batches.

import LockstepParallelism

/// The samples of one micro-batch, ready for a model.
///
/// Made once and filled again for every micro-batch.
public struct SampleBatch: Sendable, Equatable {
  /// Normalised, [B, F].
  public fileprivate(set) var features: [Float] = []
  /// The numbers of the classes, [B]; empty where a value is predicted, or where nobody knows them.
  public fileprivate(set) var classes: [Int32] = []
  /// The values to be predicted, [B]; empty where a class is, or where nobody knows them.
  public fileprivate(set) var values: [Float] = []
  /// B.
  public fileprivate(set) var count = 0

  public init() {}

  /// A batch of which only the classes are known.
  ///
  /// - Parameter classes: [B].
  public init(classes: [Int32]) {
    self.classes = classes
    count = classes.count
  }
}

/// Batches of samples, to learn from and to be evaluated on.
///
/// The batch of a (step, micro-batch) depends on the samples, the shapes and the seed alone: any rank
/// can ask for any of them, in any order.
public struct SampleLoader: Sendable {
  public let samples: SampleSet
  public let description: SampleDescription
  /// B, samples in a micro-batch.
  public let batchSize: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  private let augmentation: ImageAugmentation
  private let sampler: SampleSampler
  private let seed: UInt64
  /// The normalised value of each possible pixel; empty for a table.
  private let pixelValues: [Float]

  /// - Parameters:
  ///   - description: How features are normalised.
  ///   - batchSize: B.
  ///   - microbatches: M.
  ///   - augmentation: Of images in training. Default: none.
  ///   - seed: Decides the order, and the augmentation.
  public init(
    _ samples: SampleSet, description: SampleDescription, batchSize: Int, microbatches: Int = 1,
    augmentation: ImageAugmentation = ImageAugmentation(), seed: UInt64 = 0
  ) {
    precondition(
      batchSize > 0 && microbatches > 0,
      "a batch has at least one sample, and a step one micro-batch")
    self.samples = samples
    self.description = description
    self.batchSize = batchSize
    self.microbatches = microbatches
    self.augmentation = augmentation
    self.seed = seed
    sampler = SampleSampler(count: samples.count, seed: seed)
    if case .pixels = samples.features {
      pixelValues = (0...255).map {
        Float((Double($0) - description.means[0]) / description.deviations[0])
      }
    } else {
      pixelValues = []
    }
  }

  /// Batches of all samples in order, the last of which may have fewer.
  public var evaluationBatchCount: Int { (samples.count + batchSize - 1) / batchSize }

  /// Fills a batch to learn from, [B, F].
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  ///   - threads: Share the work. Default: the caller alone.
  public func fill(
    _ batch: inout SampleBatch, step: Int, microbatch: Int, on threads: ThreadPool? = nil
  ) {
    let first = WindowSampler.sampleIndex(
      step: step, microbatch: microbatch, sequence: 0, microbatches: microbatches,
      sequences: batchSize)
    let chosen = (first..<first + batchSize).map { (sampler.sample($0), change($0)) }
    fill(&batch, chosen, on: threads)
  }

  /// Fills a batch with some samples to learn from.
  ///
  /// - Parameters:
  ///   - chosen: Each in 0 ..< n.
  ///   - step: The optimiser step, from zero: each has changes of its own.
  ///   - threads: Share the work. Default: the caller alone.
  public func fill(
    _ batch: inout SampleBatch, samples chosen: some Sequence<Int>, step: Int,
    on threads: ThreadPool? = nil
  ) {
    fill(&batch, chosen.map { ($0, change(step * samples.count + $0)) }, on: threads)
  }

  /// Fills a batch of samples in their order, as they are.
  ///
  /// - Parameters:
  ///   - index: In 0 ..< `evaluationBatchCount`.
  ///   - threads: Share the work. Default: the caller alone.
  public func fill(
    _ batch: inout SampleBatch, evaluationBatch index: Int, on threads: ThreadPool? = nil
  ) {
    let chosen = index * batchSize..<min((index + 1) * batchSize, samples.count)
    fill(&batch, chosen.map { ($0, nil) }, on: threads)
  }

  private func change(_ number: Int) -> ImageChange? {
    guard augmentation.changesImages, samples.sampleShape.count == 2 else { return nil }
    return ImageChange(
      augmentation, height: samples.sampleShape[0], width: samples.sampleShape[1],
      number: number, seed: seed)
  }

  /// Features of a task: below, handing it to another thread costs more than it saves.
  private static let grain = 16_384

  private func fill(
    _ batch: inout SampleBatch, _ chosen: [(sample: Int, change: ImageChange?)],
    on threads: ThreadPool?
  ) {
    batch.count = chosen.count
    batch.classes.removeAll(keepingCapacity: true)
    batch.values.removeAll(keepingCapacity: true)
    switch samples.targets {
    case .classes(let classes): batch.classes += chosen.map { classes[$0.sample] }
    case .values(let values): batch.values += chosen.map { values[$0.sample] }
    case .unknown: break
    }
    let width = samples.featureCount
    batch.resizeFeatures(to: chosen.count * width)
    batch.features.withUnsafeMutableBufferPointer { features in
      nonisolated(unsafe) let features = features
      func fillRows(_ places: Range<Int>) {
        for place in places {
          write(
            chosen[place].sample, chosen[place].change,
            into: .init(rebasing: features[place * width..<(place + 1) * width]))
        }
      }
      guard let threads else { return fillRows(chosen.indices) }
      threads.run(over: chosen.count, grain: max(1, Self.grain / max(1, width)), fillRows)
    }
  }

  /// Writes the features of one sample.
  private func write(
    _ sample: Int, _ change: ImageChange?, into row: UnsafeMutableBufferPointer<Float>
  ) {
    let first = sample * row.count
    switch samples.features {
    case .pixels(let pixels):
      pixelValues.withUnsafeBufferPointer { values in
        if let change {
          return write(pixels, from: first, values: values, change, into: row)
        }
        pixels.withBytes { pixels in
          for place in row.indices { row[place] = values[Int(pixels[first + place])] }
        }
      }
    case .numbers(let numbers):
      for column in row.indices {
        row[column] = Float(
          (Double(numbers[first + column]) - description.means[column])
            / description.deviations[column])
      }
    }
  }

  private func write(
    _ pixels: SampleElements<UInt8>, from first: Int, values: UnsafeBufferPointer<Float>,
    _ change: ImageChange, into image: UnsafeMutableBufferPointer<Float>
  ) {
    let (height, width) = (samples.sampleShape[0], samples.sampleShape[1])
    for row in 0..<height {
      for column in 0..<width {
        image[row * width + column] =
          if change.erases(row: row, column: column) {
            0
          } else if let from = change.source(
            row: row, column: column, height: height, width: width)
          {
            values[Int(pixels[first + from.row * width + from.column])]
          } else {
            values[0]
          }
      }
    }
  }
}

extension SampleBatch {
  /// What the features are then is left open.
  fileprivate mutating func resizeFeatures(to count: Int) {
    if features.count > count { features.removeLast(features.count - count) }
    if features.count < count {
      features.append(contentsOf: repeatElement(0, count: count - features.count))
    }
  }
}
