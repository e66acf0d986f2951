import LockstepCommunication
import LockstepTensors

extension Trainer {
  /// Prepares a configured run, whose recipe the task was made from. Collective.
  ///
  /// - Parameters:
  ///   - task: The recipe's.
  ///   - configuration: The plan, the recipe's `initialization`, and what decides the result.
  ///   - weights: What `beginning` opened. Default: none.
  ///   - communicator: As of the other initialiser, like all that follows.
  /// - Throws: As that.
  public convenience init(
    task: any TrainingTask, configuration: RunConfiguration, weights: PretrainedWeights? = nil,
    communicator: any Communicator,
    workspace: Workspace? = nil, directory: RunDirectory? = nil, start: Start = .beginning
  ) throws {
    try self.init(
      task: task, configuration: configuration, weights: weights, communicator: communicator,
      workspace: workspace, directory: directory, start: start, memory: nil)
  }

  /// As the other.
  ///
  /// - Parameter memory: Of this host, which outlives the ranks; nil: there is none.
  package convenience init(
    task: any TrainingTask, configuration: RunConfiguration, weights: PretrainedWeights? = nil,
    communicator: any Communicator, workspace: Workspace? = nil, directory: RunDirectory? = nil,
    start: Start = .beginning, memory: (any KeptMemory)?
  ) throws {
    try self.init(
      task: task, plan: configuration.plan, initialization: configuration.recipe.initialization,
      weights: weights,
      identity: configuration.identity, communicator: communicator, workspace: workspace,
      directory: directory, start: start, memory: memory)
  }
}
