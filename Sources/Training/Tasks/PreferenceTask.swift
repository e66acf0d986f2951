import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// Learns to prefer answers that were chosen to those that were rejected.
public final class PreferenceTask: TrainingTask {
  private let objective: PreferenceObjective
  private let loader: PreferenceLoader
  private let heldOut: PreferenceLoader?
  public let checkpointFiles: [(name: String, bytes: [UInt8])]

  private var batch: PreferenceBatch
  private var heldOutBatch: PreferenceBatch

  /// - Parameters:
  ///   - objective: With the model that learns.
  ///   - loader: The training batches.
  ///   - heldOut: What it is evaluated on; nil: nothing.
  ///   - checkpointFiles: Of each checkpoint.
  init(
    _ objective: PreferenceObjective, loader: PreferenceLoader, heldOut: PreferenceLoader?,
    checkpointFiles: [(name: String, bytes: [UInt8])]
  ) {
    self.objective = objective
    self.loader = loader
    self.heldOut = heldOut
    self.checkpointFiles = checkpointFiles
    batch = loader.emptyBatch()
    heldOutBatch = (heldOut ?? loader).emptyBatch()
  }

  public var model: any Module { objective.model }

  public var frozenModels: [FrozenModel] {
    if case .frozen(let reference) = objective.reference { [reference] } else { [] }
  }

  public func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    workspace.threads.timeline.record("data") {
      loader.fill(&batch, step: step, microbatch: microbatch)
    }
    return objective.loss(of: batch, in: workspace)
  }

  public var evaluationBatchCount: Int { heldOut?.count ?? 0 }

  public var metrics: [Metric] { heldOut == nil ? [] : PreferenceObjective.metrics }

  public func evaluationLoss(batch index: Int, in workspace: Workspace) -> BatchLoss {
    guard let heldOut else { preconditionFailure("this task has no held-out preferences") }
    heldOut.fill(&heldOutBatch, at: index)
    return objective.loss(of: heldOutBatch, in: workspace)
  }
}
