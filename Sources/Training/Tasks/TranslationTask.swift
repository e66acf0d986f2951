import Foundation
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// Predicts each token of a translation from the text and the translation's tokens before it.
public final class TranslationTask: TrainingTask {
  public let translator: any SequenceToSequenceModel
  private let labelSmoothing: Float
  private let loader: PairLoader
  private let heldOut: HeldOutPairs?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]

  private var batch = PairBatch()

  /// - Parameters:
  ///   - model: The network.
  ///   - labelSmoothing: The share of a target that all tokens have alike, in training.
  ///   - loader: The training batches.
  ///   - heldOut: What it is evaluated on; nil: nothing.
  ///   - scoring: How held-out texts are translated and scored; nil: not at all. Default: nil.
  ///   - checkpointFiles: Default: none.
  public init(
    model: any SequenceToSequenceModel, labelSmoothing: Double, loader: PairLoader,
    heldOut: PairLoader?, scoring: TranslationScoring? = nil,
    checkpointFiles: [(name: String, bytes: [UInt8])] = []
  ) {
    translator = model
    self.labelSmoothing = Float(labelSmoothing)
    self.loader = loader
    self.heldOut = heldOut.map { HeldOutPairs(model: model, loader: $0, scoring: scoring) }
    self.checkpointFiles = checkpointFiles
  }

  public var model: any Module { translator }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch)
    }
    return translator.loss(of: batch, labelSmoothing: labelSmoothing)
  }

  public var evaluationBatchCount: Int { heldOut?.count ?? 0 }
  public var metrics: [Metric] { heldOut?.metrics ?? [] }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    guard let heldOut else { preconditionFailure("this task has no held-out pairs") }
    // A run outlives a model that can not write for a while, as it does a loss that is not finite.
    return (try? heldOut.loss(batch: index)) ?? heldOut.loss(ofUnscored: index)
  }

  /// "4 micro-batches of 32 pairs: about 4301 tokens a step, 9.6 epochs in all".
  ///
  /// - Parameter steps: Of the whole run.
  func batchSummary(steps: Int) -> String {
    let (sequences, microbatches) = (loader.sequences, loader.microbatches)
    let pairs = sequences * microbatches
    let tokens = loader.targetTokenCount * pairs / loader.pairCount
    let epochs = Double(steps) / Double(loader.stepCount)
    let left = loader.file.count - loader.pairCount
    let note = left > 0 ? "; \(left) pairs are longer than the context and left out" : ""
    return "\(microbatches) micro-batch\(microbatches == 1 ? "" : "es") of \(sequences) pairs: "
      + "about \(tokens) tokens a step, \(String(format: "%.1f", epochs)) epochs in all\(note)"
  }
}

/// Pairs that are not learned from, and a model's loss on them.
public final class HeldOutPairs {
  private let model: any SequenceToSequenceModel
  private let loader: PairLoader
  private let scoring: TranslationScoring?
  private var batch = PairBatch()

  /// - Parameters:
  ///   - model: Its parameters are bound before the first loss is asked for.
  ///   - loader: The pairs.
  ///   - scoring: How texts are translated and scored; nil: not at all. Default: nil.
  public init(
    model: any SequenceToSequenceModel, loader: PairLoader, scoring: TranslationScoring? = nil
  ) {
    self.model = model
    self.loader = loader
    self.scoring = scoring
  }

  /// What is measured beside the loss.
  public var metrics: [Metric] { [.perplexity] + (scoring?.metrics ?? []) }

  /// How many batches there are.
  public var count: Int { loader.evaluationBatchCount }

  /// Pairs that are longer than the context, which no batch holds.
  public var leftOutCount: Int { loader.file.count - loader.pairCount }

  /// - Parameter index: In 0 ..< count.
  /// - Throws: `NotFiniteLogitsError` where the batch's texts can not be translated.
  public func loss(batch index: Int) throws -> BatchLoss {
    let loss = loss(of: index)
    do {
      return BatchLoss(
        sum: loss.sum, targetCount: loss.targetCount,
        sums: try scoring?.sums(of: batch, by: model) ?? [])
    } catch var error as NotFiniteLogitsError {
      error.input = "text \(error.text) of batch \(index)"
      throw error
    }
  }

  /// The loss of a batch that is not translated: what scores its translations is not a number.
  ///
  /// - Parameter index: In 0 ..< count.
  func loss(ofUnscored index: Int) -> BatchLoss {
    let loss = loss(of: index)
    let sumCount = metrics.reduce(0) { $0 + $1.sumCount }
    return BatchLoss(
      sum: loss.sum, targetCount: loss.targetCount,
      sums: [Double](repeating: .nan, count: sumCount))
  }

  private func loss(of index: Int) -> BatchLoss {
    loader.fill(&batch, evaluationBatch: index)
    return model.loss(of: batch, labelSmoothing: 0)
  }
}

extension SequenceToSequenceModel {
  /// The summed cross-entropy of a batch, in nats.
  func loss(of batch: PairBatch, labelSmoothing: Float) -> BatchLoss {
    // Batches have many shapes.
    headWeight.tensor.workspace.pool.sharesSizes = true
    let targetShape: Shape = [batch.sequenceCount, batch.targetPositionCount]
    return BatchLoss(
      sum: loss(
        source: Indices(
          batch.sources, shape: [batch.sequenceCount, batch.sourcePositionCount]),
        lengths: batch.sourceLengths, inputs: Indices(batch.inputs, shape: targetShape),
        targets: Indices(batch.targets, shape: targetShape), labelSmoothing: labelSmoothing),
      targetCount: batch.targetCount)
  }
}
