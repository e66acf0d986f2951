// B texts, T positions of the longest of them, M micro-batches.

/// The texts of one micro-batch, ready for a model.
///
/// Made once and filled again for every micro-batch.
public struct ClassifiedTextBatch: Sendable, Equatable {
  /// Zeros behind a text that is shorter than the longest, [B, T].
  public fileprivate(set) var tokens: [Int32] = []
  /// Tokens of each text, [B].
  public fileprivate(set) var lengths: [Int] = []
  /// The numbers of the classes, [B].
  public fileprivate(set) var classes: [Int32] = []

  public init() {}

  /// B.
  public var count: Int { lengths.count }
  /// T.
  public var positions: Int { lengths.max() ?? 0 }
}

/// Batches of texts, to learn from and to be evaluated on.
///
/// The batch of a (step, micro-batch) depends on the texts, the shapes and the seed alone: any rank can ask for any
/// of them, in any order.
public struct ClassifiedTextLoader: Sendable {
  public let texts: ClassifiedTexts
  /// B.
  public let batchSize: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  private let sampler: SampleSampler

  /// - Parameters:
  ///   - batchSize: B.
  ///   - microbatches: M. Default: 1.
  ///   - seed: Decides the order. Default: 0.
  public init(
    _ texts: ClassifiedTexts, batchSize: Int, microbatches: Int = 1, seed: UInt64 = 0
  ) {
    precondition(
      batchSize > 0 && microbatches > 0,
      "a batch has at least one text, and a step one micro-batch")
    self.texts = texts
    self.batchSize = batchSize
    self.microbatches = microbatches
    sampler = SampleSampler(count: texts.count, seed: seed)
  }

  /// Batches of all texts in order, the last of which may have fewer.
  public var evaluationBatchCount: Int { (texts.count + batchSize - 1) / batchSize }

  /// Fills a batch to learn from.
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  public func fill(_ batch: inout ClassifiedTextBatch, step: Int, microbatch: Int) {
    let first = WindowSampler.sampleIndex(
      step: step, microbatch: microbatch, sequence: 0, microbatches: microbatches,
      sequences: batchSize)
    fill(&batch, (first..<first + batchSize).map(sampler.sample))
  }

  /// Fills a batch of texts in their order.
  ///
  /// - Parameter index: In 0 ..< `evaluationBatchCount`.
  public func fill(_ batch: inout ClassifiedTextBatch, evaluationBatch index: Int) {
    fill(&batch, Array(index * batchSize..<min((index + 1) * batchSize, texts.count)))
  }

  /// Fills a batch with some texts.
  ///
  /// - Parameter indices: Each in 0 ..< the number of texts.
  public func fill(_ batch: inout ClassifiedTextBatch, samples indices: some Sequence<Int>) {
    fill(&batch, Array(indices))
  }

  private func fill(_ batch: inout ClassifiedTextBatch, _ indices: [Int]) {
    batch.lengths = indices.map { texts[$0].count }
    batch.classes = indices.map { texts.classes[$0] }
    let positions = batch.positions
    batch.tokens.removeAll(keepingCapacity: true)
    for index in indices {
      let text = texts[index]
      batch.tokens += text
      batch.tokens += repeatElement(0, count: positions - text.count)
    }
  }
}
