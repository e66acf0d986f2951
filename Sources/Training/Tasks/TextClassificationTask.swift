// B texts, T positions, C classes.

import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// Predicts the class of each text.
public final class TextClassificationTask: SampledTask {
  public let classifier: any TextClassifier
  private let objective: any Objective
  /// Nil where the model is only evaluated.
  private let loader: ClassifiedTextLoader?
  private let heldOut: ClassifiedTextLoader?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]
  private var batch = ClassifiedTextBatch()
  /// Counts which class held-out texts are taken for; nil: nobody asks. Default: nil.
  var confusion: ConfusionMatrix?

  /// - Parameters:
  ///   - classifier: The model.
  ///   - objective: What it is to be good at.
  ///   - loader: What is learned from. Default: nothing.
  ///   - heldOut: What the model is evaluated on; nil: nothing.
  ///   - files: Of each checkpoint. Default: none.
  init(
    of classifier: any TextClassifier, objective: any Objective,
    loader: ClassifiedTextLoader? = nil, heldOut: ClassifiedTextLoader?,
    files: [(name: String, bytes: [UInt8])] = []
  ) {
    self.classifier = classifier
    self.objective = objective
    self.loader = loader
    self.heldOut = heldOut
    checkpointFiles = files
  }

  public var model: any Module { classifier }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    guard let loader else { preconditionFailure("this task has nothing to learn from") }
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch)
    }
    return BatchLoss(
      sum: objective.loss(
        of: outputs(in: workspace), for: SampleBatch(classes: batch.classes), isTraining: true),
      targetCount: batch.count)
  }

  public var sampleCount: Int { loader?.texts.count ?? 0 }

  public var sampleClasses: [Int32]? { loader?.texts.classes }

  public var sampleUnit: String { "text" }

  public var hasOneTargetEach: Bool { true }

  public func loss(
    ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace
  ) -> BatchLoss {
    guard let loader else { preconditionFailure("this task has nothing to learn from") }
    loader.fill(&batch, samples: samples)
    return BatchLoss(
      sum: objective.loss(
        of: outputs(in: workspace), for: SampleBatch(classes: batch.classes), isTraining: true),
      targetCount: batch.count)
  }

  public var evaluationBatchCount: Int { heldOut?.evaluationBatchCount ?? 0 }
  public var metrics: [Metric] { objective.metrics }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    let (outputs, batch) = heldOutOutputs(batch: index, in: workspace)
    let answers = SampleBatch(classes: batch.classes)
    confusion?.add(outputs, targets: batch.classes)
    return BatchLoss(
      sum: objective.loss(of: outputs, for: answers, isTraining: false),
      targetCount: batch.count, sums: objective.sums(of: outputs, for: answers))
  }

  /// What the model says of a batch of held-out data, [B, C], and the batch.
  func heldOutOutputs(
    batch index: Int, in workspace: Workspace
  ) -> (outputs: Tensor, batch: ClassifiedTextBatch) {
    guard let heldOut else { preconditionFailure("this task has no held-out texts") }
    heldOut.fill(&batch, evaluationBatch: index)
    return (outputs(in: workspace), batch)
  }

  /// What the model says of the batch, [B, C].
  private func outputs(in workspace: Workspace) -> Tensor {
    // Batches are as long as their longest text.
    workspace.pool.sharesSizes = true
    return classifier.outputs(
      of: Indices(batch.tokens, shape: [batch.count, batch.positions]), lengths: batch.lengths)
  }
}
