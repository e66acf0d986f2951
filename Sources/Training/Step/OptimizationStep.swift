import LockstepCommunication
import LockstepOptimization
import LockstepReporting
import LockstepTensors

/// How a run takes its optimiser steps: all ranks with one gradient (`TrainingStep`), workers that
/// train by themselves and seldom communicate (`WorkerSteps`), or clients in rounds (`FederatedRounds`).
package protocol OptimizationStep: AnyObject {
  /// The tensors, and this rank's slice of the run's parameters.
  var layout: ParameterLayout { get }
  /// What evaluations made of the schedule: a factor on the learning rate.
  var rateFactor: Double { get set }

  /// What the next step goes on from beside the parameters, the same tensors after every step.
  var states: [OptimizerState] { get }
  /// What a checkpoint stores of that when so many steps are taken: not what can be told from the parameters.
  func states(afterStep step: Int) -> [OptimizerState]
  /// What a checkpoint stores beside the states; the same on all ranks.
  var notes: [String: String] { get throws }
  /// Takes `notes` back.
  ///
  /// - Throws: `DescriptionError` for one that can not be right.
  func resume(from notes: [String: String]) throws
  /// Makes ready to go on when parameters and states are filled. Collective.
  ///
  /// - Parameter step: Optimiser steps taken.
  func begin(afterStep step: Int) throws
  /// Looks for parameters that an update made infinite or NaN, where a step keeps parameters beside the
  /// run's. Collective.
  ///
  /// - Throws: `AgreedError` with `NotFiniteError.parameter` where there is one.
  func requireFinite(afterStep step: Int) throws

  /// Takes one step. Collective.
  ///
  /// - Parameters:
  ///   - step: Optimiser steps taken before, from 0.
  ///   - flag: Any small number; all ranks learn the largest.
  /// - Throws: `NotFiniteError` on all ranks, or `AgreedError` with it, before any parameter is changed.
  func run(step: Int, flag: Int) throws -> StepOutcome

  /// How the elements of the tensors were distributed in the last step, on rank zero; empty where that was not
  /// asked for.
  var distributions: [DistributionsRecord] { get }
  /// Where the time of all steps so far went.
  var phases: StepPhases { get }
  /// Micro-batches that this rank has computed so far.
  var computedMicrobatches: Int { get }
  /// The matrix products of the first micro-batch's forward pass; nil before it is computed.
  var products: ForwardProducts? { get }
  /// Floating-point operations of the products of this rank's micro-batches so far, forward and
  /// backward.
  var operations: Double { get }
}

extension OptimizationStep {
  package func states(afterStep step: Int) -> [OptimizerState] { states }

  package var distributions: [DistributionsRecord] { [] }

  package func begin(afterStep step: Int) throws {}

  package func requireFinite(afterStep step: Int) throws {}

  package func run(step: Int) throws -> StepOutcome { try run(step: step, flag: 0) }
}

extension Plan {
  /// The groups of ranks that play the workers; nil where there are none.
  func workerGroups(ranks: Int) -> WorkerGroups? {
    synchronize.isOn
      ? WorkerGroups(workerCount: synchronize.workers, rankCount: ranks) : nil
  }

  /// Which parts of the parameters ranks own: between hosts parts all over them, so that a step's messages go
  /// both ways while it computes. Workers and clients send each other too seldom for that.
  func partitionLayout(on topology: Topology) -> SlicePartition.Layout {
    topology.hostCount > 1 && !synchronize.isOn && !federated.isOn ? .interleaved : .contiguous
  }

  /// The steps of one rank. Collective.
  func step(
    of task: any TrainingTask, _ replica: Replica, optimizer method: (any OptimizerMethod)?,
    groups: WorkerGroups?, privacy: PrivateTraining?, communicator: any Communicator
  ) throws -> any OptimizationStep {
    if federated.isOn {
      guard let task = task as? FederatedTask else {
        preconditionFailure("clients learn a FederatedTask, and not a \(type(of: task))")
      }
      return try FederatedRounds(
        task: task, replica: replica, plan: self, optimizer: method, privacy: privacy,
        communicator: communicator)
    }
    if let groups {
      return try WorkerSteps(
        task: task, replica: replica, plan: self, optimizer: method, groups: groups,
        communicator: communicator)
    }
    return try TrainingStep(
      task: task, replica: replica, plan: self, optimizer: method, privacy: privacy,
      communicator: communicator)
  }
}
