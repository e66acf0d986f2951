// B samples, C classes.

import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepSettings
import LockstepTensors

/// Predicts the class or the value of each sample.
public final class PredictionTask: SampledTask {
  public let predictor: any Predictor
  private let objective: any Objective
  /// Nil where the model is only evaluated.
  private let loader: SampleLoader?
  private let heldOut: SampleLoader?
  private let description: SampleDescription
  public let checkpointFiles: [(name: String, bytes: [UInt8])]
  private var batch = SampleBatch()
  /// Counts which class held-out samples are taken for; nil: nobody asks. Default: nil.
  var confusion: ConfusionMatrix?

  /// - Parameters:
  ///   - predictor: The model.
  ///   - objective: What it is to be good at.
  ///   - description: Of the samples learned from.
  ///   - loader: What is learned from. Default: nothing.
  ///   - heldOut: What the model is evaluated on; nil: nothing.
  ///   - files: Of each checkpoint, beside the description of the samples. Default: none.
  init(
    of predictor: any Predictor, objective: any Objective, description: SampleDescription,
    loader: SampleLoader? = nil, heldOut: SampleLoader?,
    files: [(name: String, bytes: [UInt8])] = []
  ) throws {
    self.predictor = predictor
    self.loader = loader
    self.heldOut = heldOut
    self.objective = objective
    self.description = description
    let samples =
      Array(try JSONFormat.encoder(isIndented: true).encode(description)) + [UInt8(ascii: "\n")]
    checkpointFiles = files + [(name: "samples.json", bytes: samples)]
  }

  public var model: any Module { predictor }

  public var formula: String? {
    (predictor as? any FormulaPredictor)?.formula?.text(inUnitsOf: description)
  }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    guard let loader else { preconditionFailure("this task has nothing to learn from") }
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch, on: workspace.threads)
    }
    return BatchLoss(
      sum: objective.loss(of: outputs(in: workspace), for: batch, isTraining: true),
      targetCount: batch.count)
  }

  public var sampleCount: Int { loader?.samples.count ?? 0 }

  public var sampleClasses: [Int32]? {
    if case .classes(let classes) = loader?.samples.targets { classes } else { nil }
  }

  public var sampleUnit: String { description.columns == nil ? "image" : "row of the table" }

  public var hasOneTargetEach: Bool { true }

  public func loss(
    ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace
  ) -> BatchLoss {
    guard let loader else { preconditionFailure("this task has nothing to learn from") }
    loader.fill(&batch, samples: samples, step: step, on: workspace.threads)
    return BatchLoss(
      sum: objective.loss(of: outputs(in: workspace), for: batch, isTraining: true),
      targetCount: batch.count)
  }

  public var evaluationBatchCount: Int { heldOut?.evaluationBatchCount ?? 0 }
  public var metrics: [Metric] { objective.metrics }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    let (outputs, batch) = heldOutOutputs(batch: index, in: workspace)
    confusion?.add(outputs, targets: batch.classes)
    return BatchLoss(
      sum: objective.loss(of: outputs, for: batch, isTraining: false), targetCount: batch.count,
      sums: objective.sums(of: outputs, for: batch))
  }

  /// What the model says of a batch of held-out data, [B, C], and the batch.
  func heldOutOutputs(
    batch index: Int, in workspace: Workspace
  ) -> (outputs: Tensor, batch: SampleBatch) {
    guard let heldOut else { preconditionFailure("this task has no held-out samples") }
    heldOut.fill(&batch, evaluationBatch: index, on: workspace.threads)
    return (outputs(in: workspace), batch)
  }

  /// What the model says of the batch, [B, C].
  private func outputs(in workspace: Workspace) -> Tensor {
    predictor.outputs(
      of: Tensor(
        batch.features, shape: Shape([batch.count] + description.sampleShape), in: workspace))
  }
}

/// What a predictor is to be good at: a loss, and metrics.
protocol Objective {
  var metrics: [Metric] { get }

  /// The summed loss of a batch, a scalar.
  ///
  /// - Parameters:
  ///   - outputs: [B, C].
  ///   - isTraining: Labels are smoothed in training only.
  func loss(of outputs: Tensor, for batch: SampleBatch, isTraining: Bool) -> Tensor

  /// The sums of all metrics, one after the other.
  func sums(of outputs: Tensor, for batch: SampleBatch) -> [Double]
}
