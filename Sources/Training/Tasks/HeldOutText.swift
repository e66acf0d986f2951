import Datasets
import Models
import Tensors

/// Texts that are not learned from, one after the other, and a model's loss on them.
public final class HeldOutText {
  private let model: any LanguageModel
  private let texts: [EvaluationBatches]
  /// Bytes of each token, [V]; nil without a tokenizer.
  private let byteCounts: [Int32]?
  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: Its parameters are bound before the first loss is asked for.
  ///   - texts: At least one, each in order, [B, T] a batch, of the same shape.
  ///   - byteCounts: Bytes of each token, [V], for bits per byte; nil: not counted.
  public init(model: any LanguageModel, texts: [EvaluationBatches], byteCounts: [Int32]?) {
    self.model = model
    self.texts = texts
    self.byteCounts = byteCounts
    batch = texts[0].emptyBatch()
  }

  /// What is measured beside the loss.
  public var metrics: [Metric] {
    byteCounts == nil ? [.perplexity] : [.bitsPerByte, .perplexity]
  }

  /// How many batches the texts have.
  public var count: Int { texts.reduce(0) { $0 + $1.count } }

  /// - Parameter index: In 0 ..< count.
  public func loss(batch index: Int) -> BatchLoss {
    let (text, place) = texts.batch(index, counting: \.count)
    text.fill(&batch, at: place)
    return model.loss(of: batch, byteCounts: byteCounts)
  }
}

extension Array {
  /// The text that the batch `index` of all texts is of, and its place in that text.
  ///
  /// - Parameter count: How many batches a text has.
  func batch(_ index: Int, counting count: (Element) -> Int) -> (text: Element, index: Int) {
    var place = index
    for text in self {
      guard place >= count(text) else { return (text, place) }
      place -= count(text)
    }
    preconditionFailure("there is no batch \(index)")
  }
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
