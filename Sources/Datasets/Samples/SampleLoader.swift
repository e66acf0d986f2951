// B samples, F features of each, M micro-batches.

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
    precondition(batchSize > 0 && microbatches > 0)
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
  public func fill(_ batch: inout SampleBatch, step: Int, microbatch: Int) {
    let first = WindowSampler.sampleIndex(
      step: step, microbatch: microbatch, sequence: 0, microbatches: microbatches,
      sequences: batchSize)
    batch.empty()
    for number in first..<first + batchSize {
      append(sampler.sample(number), to: &batch, change: change(number))
    }
  }

  /// Fills a batch with some samples to learn from.
  ///
  /// - Parameters:
  ///   - chosen: Each in 0 ..< n.
  ///   - step: The optimiser step, from zero: each has changes of its own.
  public func fill(_ batch: inout SampleBatch, samples chosen: some Sequence<Int>, step: Int) {
    batch.empty()
    for sample in chosen {
      append(sample, to: &batch, change: change(step * samples.count + sample))
    }
  }

  /// Fills a batch of samples in their order, as they are.
  ///
  /// - Parameter index: In 0 ..< `evaluationBatchCount`.
  public func fill(_ batch: inout SampleBatch, evaluationBatch index: Int) {
    batch.empty()
    for sample in index * batchSize..<min((index + 1) * batchSize, samples.count) {
      append(sample, to: &batch, change: nil)
    }
  }

  private func change(_ number: Int) -> ImageChange? {
    guard augmentation.changesImages, samples.sampleShape.count == 2 else { return nil }
    return ImageChange(
      augmentation, height: samples.sampleShape[0], width: samples.sampleShape[1],
      number: number, seed: seed)
  }

  private func append(_ sample: Int, to batch: inout SampleBatch, change: ImageChange?) {
    let range = sample * samples.featureCount..<(sample + 1) * samples.featureCount
    switch samples.features {
    case .pixels(let pixels):
      if let change {
        append(pixels[range], to: &batch, change: change)
      } else {
        append(pixels, range, to: &batch)
      }
    case .numbers(let numbers):
      for (column, number) in numbers[range].enumerated() {
        batch.features.append(
          Float(
            (Double(number) - description.means[column]) / description.deviations[column]))
      }
    }
    switch samples.targets {
    case .classes(let classes): batch.classes.append(classes[sample])
    case .values(let values): batch.values.append(values[sample])
    case .unknown: break
    }
    batch.count += 1
  }

  /// Appends pixels as they are: a whole image at a time, for images are most of what a step reads.
  private func append(
    _ pixels: SampleElements<UInt8>, _ range: Range<Int>, to batch: inout SampleBatch
  ) {
    let start = batch.features.count
    batch.features.append(contentsOf: repeatElement(0, count: range.count))
    batch.features.withUnsafeMutableBufferPointer { features in
      pixels.withBytes { pixels in
        pixelValues.withUnsafeBufferPointer { values in
          for place in 0..<range.count {
            features[start + place] = values[Int(pixels[range.lowerBound + place])]
          }
        }
      }
    }
  }

  private func append(
    _ pixels: Slice<SampleElements<UInt8>>, to batch: inout SampleBatch, change: ImageChange
  ) {
    let (height, width) = (samples.sampleShape[0], samples.sampleShape[1])
    for row in 0..<height {
      for column in 0..<width {
        if change.erases(row: row, column: column) {
          batch.features.append(0)
        } else if let from = change.source(row: row, column: column, height: height, width: width) {
          let pixel = pixels[pixels.startIndex + from.row * width + from.column]
          batch.features.append(pixelValues[Int(pixel)])
        } else {
          batch.features.append(pixelValues[0])
        }
      }
    }
  }
}

extension SampleBatch {
  fileprivate mutating func empty() {
    features.removeAll(keepingCapacity: true)
    classes.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    count = 0
  }
}
