import LockstepCommunication
import LockstepOptimization

/// One of the workers of a run, as a rank that plays it sees it: its own copy of the parameters and its
/// own optimiser.
final class Worker {
  let replica: Replica
  let step: TrainingStep
  /// Where not all of a change is sent.
  private let feedback: ErrorFeedback?
  /// The ranks that play it.
  private let communicator: any Communicator

  init(
    replica: Replica, step: TrainingStep, feedback: ErrorFeedback?,
    communicator: any Communicator
  ) {
    self.replica = replica
    self.step = step
    self.feedback = feedback
    self.communicator = communicator
  }

  /// Takes a step on the worker's micro-batches. Collective among its ranks.
  func run(step: Int, flag: Int) throws -> StepOutcome {
    replica.bind()
    return try self.step.run(step: step, flag: flag)
  }

  /// Takes over the run's parameters. Collective among its ranks: each host's first one copies.
  func take(_ parameters: UnsafeMutableBufferPointer<Float>) throws {
    if communicator.topology.isLeader {
      let (own, threads) = (replica.shared.trained, replica.workspace.threads)
      threads.run(over: own.count, grain: Self.grain) { part in
        _ = UnsafeMutableBufferPointer(rebasing: own[part])
          .update(fromContentsOf: parameters[part])
      }
    }
    try communicator.barrier()
  }

  /// Writes how far the worker has come from the run's parameters: those minus its own.
  func writeChange(
    from parameters: UnsafeMutableBufferPointer<Float>,
    into change: UnsafeMutableBufferPointer<Float>
  ) {
    guard let start = parameters.baseAddress, let end = replica.shared.trained.baseAddress,
      let change = change.baseAddress
    else { return }
    replica.workspace.threads.run(over: parameters.count, grain: Self.grain) { part in
      for element in part { change[element] = start[element] - end[element] }
    }
  }

  /// Writes what is sent of how far the worker has come from the run's parameters, as a message of
  /// its `SparseFormat`. On the first of its ranks.
  func takeLargest(
    from parameters: UnsafeMutableBufferPointer<Float>, into message: UnsafeMutableRawPointer
  ) {
    feedback?.takeLargest(
      from: parameters, to: replica.shared.trained, into: message,
      threads: replica.workspace.threads)
  }

  /// What a checkpoint stores of it; the parameters, last, only where they are not the run's.
  func states(withParameters: Bool) -> [OptimizerState] {
    let slice = UnsafeMutableBufferPointer(
      rebasing: replica.shared.trained[step.layout.slice])
    return step.optimizer.states + [feedback?.state].compactMap(\.self)
      + (withParameters ? [step.layout.state("parameters", values: slice)] : [])
  }

  private static let grain = 1 << 16
}
