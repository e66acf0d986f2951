import LockstepCommunication
import LockstepOptimization

/// The outer step along the mean of the workers' changes:
///
///     gradient = mean over the workers of (parameters - worker's parameters), in the order of the tree
///     parameters = outer optimiser's step along it
///
/// The workers are the leaves of a canonical tree, as micro-batches are in a training step, and each
/// group's first rank takes part in its reduction. Those ranks share out the run's parameters.
final class MeanChange: OuterMethod {
  private let replica: Replica
  private let optimizer: any Optimizer
  private let learningRate: Double
  private let workerCount: Int
  private let seed: UInt64
  /// Of an inner step, over all workers.
  private let microbatches: Int
  /// The first ranks of the groups; on others, the others.
  private let leaders: any Communicator
  /// On the first rank of a group.
  private let reduction: CanonicalReduction?

  /// Allocates the outer gradient and what the outer optimiser remembers. Collective.
  ///
  /// - Parameters:
  ///   - rule: The outer optimiser's.
  ///   - layout: Of the run's parameters, of which the groups' first ranks own the slices.
  init(
    _ rule: SGD, learningRate: Double, replica: Replica, layout: ParameterLayout, plan: Plan,
    groups: WorkerGroups, communicator: any Communicator
  ) throws {
    self.replica = replica
    self.learningRate = learningRate
    workerCount = groups.workerCount
    seed = UInt64(plan.seed)
    microbatches = plan.batch.microbatches
    let threads = replica.workspace.threads
    let isLeader = groups.leaders.contains(communicator.rank)
    leaders = try communicator.split(color: isLeader ? 0 : 1)
    reduction =
      isLeader
      ? try CanonicalReduction(
        communicator: leaders, elementCount: replica.parameters.trainedCount,
        leafCount: groups.workerCount, partialSums: plan.reduction.partialSums, pool: threads)
      : nil
    optimizer = rule.optimizer(for: layout, peers: NoPeers(), threads: threads)
  }

  var states: [OptimizerState] { optimizer.states }

  func move(
    _ parameters: UnsafeMutableBufferPointer<Float>, by workers: [Worker], step: Int, round: Int
  ) throws {
    guard let reduction else { return }
    leaders.step = step
    // Behind the micro-batches of the steps: nothing is drawn twice.
    reduction.begin(StepDraws(seed: seed, step: step, firstMicrobatch: microbatches))
    for worker in workers {
      worker.writeChange(from: parameters, into: reduction.leafBuffer)
      reduction.fold()
    }
    let total = try reduction.reduce(flag: 0)
    try optimizer.update(
      parameters: parameters, gradient: total.values, scale: 1 / Float(workerCount), step: round,
      learningRate: learningRate)
  }

  func share(contributing words: [UInt64]) throws -> [[UInt64]] {
    try replica.shared.share(contributing: words)
  }
}
