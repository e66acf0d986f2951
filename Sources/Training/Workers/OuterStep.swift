import LockstepCommunication
import LockstepOptimization

/// The step that makes the workers' changes one, and the check that all hosts have made the same of them.
final class OuterStep {
  let layout: ParameterLayout
  private let replica: Replica
  private let method: any OuterMethod
  private let verification: ParameterVerification?

  /// Allocates what the method needs. Collective.
  ///
  /// - Parameter replica: The run's parameters, of which the groups' first ranks own the slices.
  init(
    replica: Replica, plan: Plan, groups: WorkerGroups, communicator: any Communicator
  ) throws {
    self.replica = replica
    let layout = try communicator.agree {
      // Groups of parameters are the inner optimiser's.
      try replica.parameters.layout(
        OptimizerConfiguration(), partition: replica.shared.partition, rank: communicator.rank)
    }
    self.layout = layout
    func mean(_ rule: SGD, learningRate: Double) throws -> MeanChange {
      try MeanChange(
        rule, learningRate: learningRate, replica: replica, layout: layout, plan: plan,
        groups: groups, communicator: communicator)
    }
    switch plan.synchronize.outer.method {
    case .nesterov(let rule): method = try mean(rule.rule, learningRate: rule.learningRate)
    case .sgd(let rule): method = try mean(SGD(), learningRate: rule.learningRate)
    case .sparseloco(let rule):
      method = try SparseChanges(
        rule, format: rule.format(elementCount: layout.elementCount), replica: replica,
        groups: groups, communicator: communicator)
    }
    // A round is many steps: each is worth a comparison.
    verification = ParameterVerification(
      of: replica, every: plan.verify.every > 0 ? 1 : 0, communicator: communicator)
  }

  /// What checkpoints store of it.
  var states: [OptimizerState] { method.states }

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
    try method.move(parameters, by: workers, step: step, round: round)
    let all = try method.share(contributing: words)
    if !all.isEmpty { try verification?.compare(all, step: step) }
    for worker in workers { try worker.take(parameters) }
  }
}

extension SparseOuterStep {
  /// What a change of so many elements is sent as.
  package func format(elementCount: Int) -> SparseFormat {
    SparseFormat(elementCount: elementCount, density: density)
  }
}
