import LockstepCommunication
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// A language model that a loss asks and that training leaves as it is: in memory of its own, which the
/// ranks of a host share. It has no gradient and no optimiser's state, and no checkpoint holds it.
public final class FrozenModel {
  /// Fills a flat buffer of values.
  typealias Filling = (
    _ parameters: ParameterStore, _ values: UnsafeMutablePointer<Float>, _ threads: ThreadPool
  ) throws -> Void

  public let model: any LanguageModel
  private let fill: Filling
  /// Keeps the memory.
  private var replica: Replica?

  /// - Parameters:
  ///   - model: Its parameters are frozen here.
  ///   - fill: Called on rank zero only.
  init(_ model: any LanguageModel, fill: @escaping Filling) {
    self.model = model
    self.fill = fill
    for (_, parameter) in model.namedParameters { parameter.freeze() }
  }

  /// Gives the parameters their memory and values. Collective.
  ///
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory; `AgreedError` where the
  ///   weights are not the model's.
  func load(_ communicator: any Communicator, in workspace: Workspace) throws {
    let replica = try Replica(of: model, communicator: communicator, workspace: workspace)
    try communicator.onRankZero {
      try fill(replica.parameters, replica.values, workspace.threads)
    }
    try replica.shared.broadcast()
    self.replica = replica
  }

  /// Computes with the model: nothing is recorded, dropped out or observed.
  static func asking<Result>(in workspace: Workspace, _ body: () throws -> Result) rethrows
    -> Result
  {
    let (wasTraining, observer) = (workspace.isTraining, workspace.observer)
    workspace.isTraining = false
    workspace.observer = nil
    defer {
      workspace.isTraining = wasTraining
      workspace.observer = observer
    }
    return try workspace.withoutRecording(body)
  }
}
