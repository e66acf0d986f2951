import LockstepCommunication
import LockstepTensors

extension TrainingTask {
  /// Gives the task's model, and those that its loss asks, their memory. Collective.
  ///
  /// - Parameters: As of `Replica.init`.
  /// - Throws: As `Replica.init` and `FrozenModel.load`.
  func replica(
    _ communicator: any Communicator, in workspace: Workspace, owners: [Int]? = nil,
    layout: SlicePartition.Layout = .contiguous
  ) throws -> Replica {
    let replica = try Replica(
      of: model, communicator: communicator, workspace: workspace, owners: owners,
      layout: layout)
    for frozen in frozenModels { try frozen.load(communicator, in: workspace) }
    return replica
  }
}
