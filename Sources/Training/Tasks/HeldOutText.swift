import LockstepDatasets
import LockstepModels
import LockstepTensors

/// Texts that are not learned from, and a model's loss on them.
///
/// The first batches of several texts are of all of them, in proportion to their lengths: an evaluation
/// of a few batches sees all texts.
public final class HeldOutText {
  private let model: any LanguageModel
  private let texts: [any HeldOutBatches]
  /// Which batch of which text is measured when.
  private let order: [(text: Int, batch: Int)]
  /// Bytes of each token, [V]; nil without a tokenizer.
  private let byteCounts: [Int32]?
  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: Its parameters are bound before the first loss is asked for.
  ///   - texts: At least one, each in order, [B, T] a batch, of the same shape.
  ///   - byteCounts: Bytes of each token, [V], for bits per byte; nil: not counted.
  public init(model: any LanguageModel, texts: [any HeldOutBatches], byteCounts: [Int32]?) {
    self.model = model
    self.texts = texts
    order = interleaved(texts.map(\.count))
    self.byteCounts = byteCounts
    batch = texts[0].emptyBatch()
  }

  /// What is measured beside the loss.
  public var metrics: [Metric] {
    byteCounts == nil ? [.perplexity] : [.bitsPerByte, .perplexity]
  }

  /// How many batches the texts have.
  public var count: Int { order.count }

  /// - Parameter index: In 0 ..< count.
  public func loss(batch index: Int) -> BatchLoss {
    texts[order[index].text].fill(&batch, at: order[index].batch)
    return model.loss(of: batch, byteCounts: byteCounts)
  }
}

/// The batches of several texts in the order in which they are measured: the first ones are of all
/// texts, in proportion to their lengths.
///
/// - Parameter counts: How many batches each text has.
func interleaved(_ counts: [Int]) -> [(text: Int, batch: Int)] {
  counts.enumerated()
    .flatMap { text, count in
      (0..<count).map { (text: text, batch: $0, place: (Double($0) + 0.5) / Double(count)) }
    }
    .sorted { ($0.place, $0.text) < ($1.place, $1.text) }
    .map { (text: $0.text, batch: $0.batch) }
}

extension LanguageModel {
  /// The summed cross-entropy of a batch, in nats.
  func loss(
    of batch: TokenBatch, byteCounts: [Int32]?, labelSmoothing: Float = 0
  ) -> BatchLoss {
    let shape: Shape = [batch.sequenceCount, batch.positionCount]
    let documents =
      batch.documentStarts.isEmpty
      ? nil : PackedDocuments(starts: Indices(batch.documentStarts, shape: shape))
    return BatchLoss(
      sum: loss(
        of: Indices(batch.inputs, shape: shape), targets: Indices(batch.targets, shape: shape),
        documents: documents, labelSmoothing: labelSmoothing),
      targetCount: batch.targetCount,
      sums: byteCounts.map { [Double(batch.targetByteCount($0))] } ?? [])
  }
}
