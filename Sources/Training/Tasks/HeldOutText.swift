import Datasets
import Models
import Tensors

/// A text that is not learned from, and a model's loss on it.
public final class HeldOutText {
  private let model: any LanguageModel
  private let batches: EvaluationBatches
  /// Bytes of each token, [V]; nil without a tokenizer.
  private let byteCounts: [Int32]?
  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: Its parameters are bound before the first loss is asked for.
  ///   - batches: The text in order, [B, T] each.
  ///   - byteCounts: Bytes of each token, [V], for bits per byte; nil: not counted.
  public init(model: any LanguageModel, batches: EvaluationBatches, byteCounts: [Int32]?) {
    self.model = model
    self.batches = batches
    self.byteCounts = byteCounts
    batch = batches.emptyBatch()
  }

  /// What is measured beside the loss.
  public var metrics: [Metric] {
    byteCounts == nil ? [.perplexity] : [.bitsPerByte, .perplexity]
  }

  /// How many batches the text has.
  public var count: Int { batches.count }

  /// - Parameter index: In 0 ..< count.
  public func loss(batch index: Int) -> BatchLoss {
    batches.fill(&batch, at: index)
    return model.loss(of: batch, byteCounts: byteCounts)
  }
}

extension LanguageModel {
  /// The summed cross-entropy of a batch, in nats.
  func loss(
    of batch: TokenBatch, byteCounts: [Int32]?, labelSmoothing: Float = 0
  ) -> BatchLoss {
    let shape: Shape = [batch.sequenceCount, batch.positionCount]
    return BatchLoss(
      sum: loss(
        of: Indices(batch.inputs, shape: shape), targets: Indices(batch.targets, shape: shape),
        labelSmoothing: labelSmoothing),
      targetCount: batch.targetCount,
      sums: byteCounts.map { [Double(batch.targetByteCount($0))] } ?? [])
  }
}
