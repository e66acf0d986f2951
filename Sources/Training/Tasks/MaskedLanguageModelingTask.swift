// B sequences, T positions, D width, N positions whose token is predicted.

import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// Predicts hidden tokens of a text from all others (Devlin et al., "BERT", 2019).
public final class MaskedLanguageModelingTask: TrainingTask {
  public let maskedModel: any MaskedLanguageModel
  private let loader: LanguageModelingLoader
  private let masking: TokenMasking
  private let dropout: TokenDropout?
  private let labelSmoothing: Float
  private let heldOut: HeldOutMaskedText?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]

  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: The network.
  ///   - loader: The text, in training batches of [B, T].
  ///   - masking: Hides tokens of it.
  ///   - dropout: Replaces further tokens; nil: none. Default: nil.
  ///   - labelSmoothing: The share of the target that all tokens have alike, in training. Default: 0.
  ///   - heldOut: What it is evaluated on; nil: nothing. Default: nil.
  ///   - checkpointFiles: Default: none.
  public init(
    model: any MaskedLanguageModel, loader: LanguageModelingLoader, masking: TokenMasking,
    dropout: TokenDropout? = nil, labelSmoothing: Double = 0, heldOut: HeldOutMaskedText? = nil,
    checkpointFiles: [(name: String, bytes: [UInt8])] = []
  ) {
    maskedModel = model
    self.loader = loader
    self.masking = masking
    self.dropout = dropout
    self.labelSmoothing = Float(labelSmoothing)
    self.heldOut = heldOut
    self.checkpointFiles = checkpointFiles
    batch = loader.emptyBatch()
  }

  public var model: any Module { maskedModel }

  /// N.
  private var predictedCount: Int {
    batch.sequenceCount * masking.count(positions: batch.positionCount)
  }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch)
    }
    for sequence in 0..<batch.sequenceCount {
      let number = loader.sampleIndex(step: step, microbatch: microbatch, sequence: sequence)
      masking.mask(&batch, sequence: sequence, number: number)
      dropout?.apply(to: &batch, sequence: sequence, number: number, sparesTargets: true)
    }
    let (tokens, positions) = batch.hidden(count: predictedCount)
    let states = maskedModel.headStates(of: tokens, at: positions)
    return BatchLoss(
      sum: maskedModel.loss(ofHeadStates: states, at: positions, labelSmoothing: labelSmoothing),
      targetCount: batch.targetCount)
  }

  public var evaluationBatchCount: Int { heldOut?.count ?? 0 }

  public var metrics: [Metric] { heldOut?.metrics ?? [] }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    guard let heldOut else { preconditionFailure("this task has no held-out text") }
    return heldOut.loss(batch: index)
  }
}

/// Texts that are not learned from, tokens of them hidden, and a model's loss on these.
public final class HeldOutMaskedText {
  private let model: any MaskedLanguageModel
  private let texts: [MaskedEvaluationBatches]
  /// Which batch of which text is measured when.
  private let order: [(text: Int, batch: Int)]
  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: Its parameters are bound before the first loss is asked for.
  ///   - texts: At least one, each in order, [B, T] a batch, of the same shape.
  public init(model: any MaskedLanguageModel, texts: [MaskedEvaluationBatches]) {
    self.model = model
    self.texts = texts
    order = interleaved(texts.map(\.count))
    batch = texts[0].emptyBatch()
  }

  /// What is measured beside the loss: how many hidden tokens are found.
  public var metrics: [Metric] { [.accuracy, .perplexity] }

  /// How many batches the texts have.
  public var count: Int { order.count }

  /// - Parameter index: In 0 ..< count.
  public func loss(batch index: Int) -> BatchLoss {
    let text = texts[order[index].text]
    text.fill(&batch, at: order[index].batch)
    let (tokens, positions) = batch.hidden(count: text.predictedCount)
    let states = model.headStates(of: tokens, at: positions)
    let found = model.logits(ofHeadStates: states)
      .countOfTargets(amongHighest: 1, targets: positions.targets.elements)
    return BatchLoss(
      sum: model.loss(ofHeadStates: states, at: positions), targetCount: batch.targetCount,
      sums: [Double(found)])
  }
}

extension TokenBatch {
  /// What a masked language model reads, and what it is asked for.
  ///
  /// - Parameter count: N.
  fileprivate func hidden(count: Int) -> (tokens: Indices, positions: PredictedPositions) {
    let shape: Shape = [sequenceCount, positionCount]
    return (
      Indices(inputs, shape: shape),
      PredictedPositions(Indices(targets, shape: shape), count: count)
    )
  }
}
