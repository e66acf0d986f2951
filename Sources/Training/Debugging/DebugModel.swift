import LockstepCommunication
import LockstepTensors

/// A run's model and task in one process, with a gradient buffer of its own: what the debugging
/// commands look at.
final class DebugModel {
  let task: any TrainingTask
  let replica: Replica
  private let gradientMemory: FloatMemory
  /// [P].
  var gradient: UnsafeMutableBufferPointer<Float> { gradientMemory.elements }
  private let seed: UInt64

  /// The model with its initial parameters.
  init(_ configuration: RunConfiguration, threads: Int) throws {
    let communicator = SoloCommunicator()
    let workspace = Workspace(threadCount: threads, for: configuration.plan)
    let beginning = try configuration.beginning(threads: workspace.threads, communicator)
    task = try configuration.prepareTask(communicator, beginning: beginning).task
    seed = UInt64(configuration.plan.seed)
    replica = try task.replica(communicator, in: workspace)
    try replica.initialize(
      seed: seed,
      overriding: configuration.recipe.initialization.initializers(for: replica.parameters),
      rows: task.initialRows, weights: beginning.weights, communicator: communicator)
    gradientMemory = FloatMemory(count: replica.parameters.trainedCount)
  }

  /// The summed loss of a micro-batch, with the random numbers that the run would draw.
  func loss(step: Int, microbatch: Int) throws -> BatchLoss {
    replica.workspace.isTraining = true
    replica.workspace.seekRandom(seed: seed, step: step, microbatch: microbatch)
    return try task.loss(step: step, microbatch: microbatch, in: replica.workspace)
  }

  /// Computes the loss and its gradient into `gradient`.
  func differentiate(step: Int, microbatch: Int) throws -> BatchLoss {
    replica.parameters.beginGradient(into: gradientMemory)
    let loss = try loss(step: step, microbatch: microbatch)
    loss.sum.backward()
    replica.parameters.finishGradient()
    return loss
  }
}
