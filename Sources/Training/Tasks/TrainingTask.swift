import LockstepNeuralNetworks
import LockstepTensors

/// What a run learns: a model, and the loss of any micro-batch.
///
/// This is all that a user's own task has to provide. The batch of a (step, micro-batch) must be a
/// function of these two numbers, the data and the configuration alone: any rank may be asked for
/// any of them, and again when a run is resumed or replayed.
public protocol TrainingTask: AnyObject {
  /// The network; its parameters are bound before the first loss is asked for.
  var model: any Module { get }

  /// The loss of one micro-batch of training data.
  ///
  /// - Parameters:
  ///   - step: Optimiser steps taken before, from 0.
  ///   - microbatch: In 0 ..< M.
  ///   - workspace: Computes on this rank: the tensors of the batch are made in it.
  func loss(step: Int, microbatch: Int, in workspace: Workspace) throws -> BatchLoss

  /// How many batches of held-out data there are; 0: nothing is evaluated.
  var evaluationBatchCount: Int { get }

  /// What is measured on held-out data beside the loss.
  var metrics: [Metric] { get }

  /// The loss of one batch of held-out data, with the sums of all metrics, one after the other.
  ///
  /// - Parameters:
  ///   - batch: In 0 ..< `evaluationBatchCount`.
  ///   - workspace: As of `loss`.
  func evaluationLoss(batch: Int, in workspace: Workspace) throws -> BatchLoss

  /// Rows of parameters that begin with other values than their initialisers make, by parameter
  /// name; asked for on rank zero only. Default: none.
  var initialRows: [String: InitialRows] { get }

  /// Files that belong into each checkpoint beside the tensors, such as `config.json`.
  var checkpointFiles: [(name: String, bytes: [UInt8])] { get }

  /// What the model has learned, as a formula in the units of the data, where people can read it; asked for
  /// at the end of a run. Default: nil.
  var formula: String? { get }

  /// Models that the loss asks, and that are not trained; they get memory and values before the first
  /// loss is asked for. Default: none.
  var frozenModels: [FrozenModel] { get }
}

extension TrainingTask {
  public var evaluationBatchCount: Int { 0 }
  public var metrics: [Metric] { [] }
  public var initialRows: [String: InitialRows] { [:] }
  public var checkpointFiles: [(name: String, bytes: [UInt8])] { [] }
  public var frozenModels: [FrozenModel] { [] }
  public var formula: String? { nil }

  public func evaluationLoss(batch: Int, in workspace: Workspace) throws -> BatchLoss {
    preconditionFailure("a task with evaluation batches implements evaluationLoss(batch:in:)")
  }
}

/// The summed loss of a batch and what it is a sum over.
public struct BatchLoss {
  /// The sum of the targets' losses, a scalar; nats for cross-entropy.
  public let sum: Tensor
  /// How many targets took part: losses are divided by their number over all ranks.
  public let targetCount: Int
  /// Further sums over the targets, from which the task's metrics are computed; of held-out data
  /// only.
  public let sums: [Double]

  /// - Parameters:
  ///   - sum: A scalar.
  ///   - targetCount: At least 0.
  ///   - sums: As many as the task's metrics have together. Default: none.
  public init(sum: Tensor, targetCount: Int, sums: [Double] = []) {
    self.sum = sum
    self.targetCount = targetCount
    self.sums = sums
  }
}
