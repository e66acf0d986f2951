import LockstepCommunication
import LockstepOptimization

/// The step that makes the workers' changes one:
///
///     gradient = mean over the workers of (parameters - worker's parameters), in the order of the tree
///     parameters = outer optimiser's step along it
///
/// The workers are the leaves of a canonical tree, as micro-batches are in a training step, and each
/// group's first rank takes part in its reduction. Those ranks share out the run's parameters.
final class OuterStep {
  let layout: ParameterLayout
  let optimizer: any Optimizer
  private let replica: Replica
  private let workerCount: Int
  private let seed: UInt64
  /// Of an inner step, over all workers.
  private let microbatches: Int
  private let learningRate: Double
  /// The first ranks of the groups; on others, the others.
  private let leaders: any Communicator
  /// On the first rank of a group.
  private let reduction: CanonicalReduction?
  private let verification: ParameterVerification?

  /// Allocates the outer gradient and what the outer optimiser remembers. Collective.
  ///
  /// - Parameter replica: The run's parameters, of which the groups' first ranks own the slices.
  init(
    replica: Replica, plan: Plan, groups: WorkerGroups, communicator: any Communicator
  ) throws {
    self.replica = replica
    workerCount = groups.workerCount
    seed = UInt64(plan.seed)
    microbatches = plan.batch.microbatches
    let isLeader = groups.leaders.contains(communicator.rank)
    leaders = try communicator.split(color: isLeader ? 0 : 1)
    let (parameters, threads) = (replica.parameters, replica.workspace.threads)
    layout = try communicator.agree {
      // Groups of parameters are the inner optimiser's.
      try parameters.layout(
        OptimizerConfiguration(), partition: replica.shared.partition, rank: communicator.rank)
    }
    reduction =
      isLeader
      ? try CanonicalReduction(
        communicator: leaders, elementCount: parameters.trainedCount,
        leafCount: groups.workerCount,
        partialSums: plan.reduction.partialSums, pool: threads)
      : nil
    let rule = plan.synchronize.outer.rule
    learningRate = rule.learningRate
    optimizer = rule.method.optimizer(for: layout, peers: NoPeers(), threads: threads)
    // A round is many steps: each is worth a comparison.
    verification = ParameterVerification(
      of: replica, every: plan.verify.every > 0 ? 1 : 0, communicator: communicator)
  }

  /// What this rank has to tell in the next step, found before anyone takes it.
  func words(step: Int) -> [UInt64] { verification?.words(step: step) ?? [] }

  /// Moves the run's parameters, and the workers to where they are then. Collective.
  ///
  /// - Parameters:
  ///   - workers: Those that this rank plays, at the end of a round.
  ///   - step: Optimiser steps taken.
  ///   - round: Of so many steps each, from 1.
  ///   - words: What `words` found, before the last meeting of all ranks.
  /// - Throws: `AgreedError` where the hosts do not have the same parameters.
  func run(_ workers: [Worker], step: Int, round: Int, contributing words: [UInt64]) throws {
    let parameters = replica.shared.trained
    if let reduction {
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
    let all = try replica.shared.share(contributing: words)
    if !all.isEmpty { try verification?.compare(all, step: step) }
    for worker in workers { try worker.take(parameters) }
  }
}
