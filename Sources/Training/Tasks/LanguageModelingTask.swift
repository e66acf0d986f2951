import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// Predicts each token of a text from those before it.
public final class LanguageModelingTask: SampledTask {
  public let languageModel: any LanguageModel
  private let loader: any TrainingBatches
  private let augmenter: SequenceAugmenter?
  private let labelSmoothing: Float
  private let heldOut: HeldOutText?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]
  /// Pretrained vectors that the token embedding begins with; nil: none.
  public let wordVectors: WordVectors?

  /// What it learns from beside the text; nil: the text alone.
  var distillation: Distillation?

  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: The network.
  ///   - loader: The training batches, [B, T] each.
  ///   - augmenter: Changes the training sequences; nil: they stay as they are. Default: nil.
  ///   - labelSmoothing: The share of the target that all tokens have alike, in training. Default: 0.
  ///   - heldOut: What it is evaluated on; nil: nothing. Default: nil.
  ///   - checkpointFiles: Default: none.
  ///   - wordVectors: As wide as the model; nil: none. Default: nil.
  public init(
    model: any LanguageModel, loader: any TrainingBatches, augmenter: SequenceAugmenter? = nil,
    labelSmoothing: Double = 0, heldOut: HeldOutText? = nil,
    checkpointFiles: [(name: String, bytes: [UInt8])] = [], wordVectors: WordVectors? = nil
  ) {
    languageModel = model
    self.loader = loader
    self.augmenter = augmenter
    self.labelSmoothing = Float(labelSmoothing)
    self.heldOut = heldOut
    self.checkpointFiles = checkpointFiles
    self.wordVectors = wordVectors
    batch = loader.emptyBatch()
  }

  public var model: any Module { languageModel }

  public var frozenModels: [FrozenModel] { distillation.map { [$0.teacher] } ?? [] }

  public var initialRows: [String: InitialRows] {
    guard let wordVectors else { return [:] }
    return [
      languageModel.embeddingName: InitialRows(
        rows: wordVectors.tokens, elements: wordVectors.elements)
    ]
  }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch)
    }
    if let augmenter {
      for sequence in 0..<batch.sequenceCount {
        let number = loader.sampleIndex(step: step, microbatch: microbatch, sequence: sequence)
        augmenter.apply(to: &batch, sequence: sequence, number: number)
      }
    }
    if let distillation {
      return distillation.loss(of: batch, for: languageModel, in: workspace)
    }
    return languageModel.loss(of: batch, byteCounts: nil, labelSmoothing: labelSmoothing)
  }

  public var sampleCount: Int { (loader as? any SampledBatches)?.sampleCount ?? 0 }

  public var sampleUnit: String {
    isOfConversations ? "conversation" : "window of \(loader.context + 1) tokens"
  }

  /// A window has T targets; a conversation as many as its answers have tokens.
  public var hasOneTargetEach: Bool { !isOfConversations && loader.context == 1 }

  private var isOfConversations: Bool { loader is ConversationLoader }

  public func loss(
    ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace
  ) -> BatchLoss {
    guard let loader = loader as? any SampledBatches else {
      preconditionFailure("the sequences of these batches can not be asked for one by one")
    }
    loader.fill(&batch, samples: samples)
    if let augmenter {
      for (sequence, sample) in samples.enumerated() {
        augmenter.apply(
          to: &batch, sequence: sequence, number: step * loader.sampleCount + sample)
      }
    }
    return languageModel.loss(of: batch, byteCounts: nil, labelSmoothing: labelSmoothing)
  }

  public var evaluationBatchCount: Int { heldOut?.count ?? 0 }

  public var metrics: [Metric] { heldOut?.metrics ?? [] }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    guard let heldOut else { preconditionFailure("this task has no held-out text") }
    return heldOut.loss(batch: index)
  }
}
