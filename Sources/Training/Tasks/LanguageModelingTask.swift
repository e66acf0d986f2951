import Datasets
import Models
import NeuralNetworks
import Tensors

/// Predicts each token of a text from those before it.
public final class LanguageModelingTask: TrainingTask {
  public let languageModel: any LanguageModel
  private let loader: LanguageModelingLoader
  private let heldOut: HeldOutText?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]
  /// Pretrained vectors that the token embedding begins with; nil: none.
  public let wordVectors: WordVectors?

  private var batch: TokenBatch

  /// - Parameters:
  ///   - model: The network.
  ///   - loader: The training batches, [B, T] each.
  ///   - heldOut: What it is evaluated on; nil: nothing. Default: nil.
  ///   - checkpointFiles: Default: none.
  ///   - wordVectors: As wide as the model; nil: none. Default: nil.
  public init(
    model: any LanguageModel, loader: LanguageModelingLoader, heldOut: HeldOutText? = nil,
    checkpointFiles: [(name: String, bytes: [UInt8])] = [], wordVectors: WordVectors? = nil
  ) {
    languageModel = model
    self.loader = loader
    self.heldOut = heldOut
    self.checkpointFiles = checkpointFiles
    self.wordVectors = wordVectors
    batch = loader.emptyBatch()
  }

  public var model: any Module { languageModel }

  public var initialRows: [String: InitialRows] {
    guard let wordVectors else { return [:] }
    return [
      languageModel.embeddingName: InitialRows(
        rows: wordVectors.tokens, elements: wordVectors.elements)
    ]
  }

  public var products: ForwardProducts? {
    languageModel.products(sequences: batch.sequenceCount, positions: batch.positionCount)
  }

  public func loss(step: Int, microbatch: Int) -> BatchLoss {
    loader.fill(&batch, step: step, microbatch: microbatch)
    return languageModel.loss(of: batch, byteCounts: nil)
  }

  public var evaluationBatchCount: Int { heldOut?.count ?? 0 }

  public var metrics: [Metric] { heldOut?.metrics ?? [] }

  public func evaluationLoss(batch index: Int) -> BatchLoss {
    guard let heldOut else { preconditionFailure("this task has no held-out text") }
    return heldOut.loss(batch: index)
  }
}
