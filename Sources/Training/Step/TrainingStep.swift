// M micro-batches of an optimiser step, N ranks.

import Communication
import Optimization
import Parallelism
import Tensors

/// One optimiser step on one rank: forward and backward of its micro-batches, one reduction, clip,
/// update of its slice of the parameters, and the exchange of the slices.
public final class TrainingStep {
  private let task: any TrainingTask
  private let replica: Replica
  private let reduction: any GradientReduction
  private let communicator: any Communicator
  private let schedule: any Schedule
  private let clip: ClipNorm
  private let seed: UInt64
  /// Holds the state of this rank's slice.
  public let optimizer: any Optimizer
  /// Where the time of all steps so far went.
  package private(set) var phases = StepPhases()

  /// Allocates gradients and optimiser state. Collective.
  ///
  /// - Parameters:
  ///   - task: Gives the loss of each micro-batch.
  ///   - replica: Of the task's model.
  ///   - configuration: `batch`, `optimizer`, `schedule`, `reduction`, `steps` and `seed` are used.
  public init(
    task: any TrainingTask, replica: Replica, configuration: RunConfiguration,
    communicator: any Communicator
  ) throws {
    self.task = task
    self.replica = replica
    self.communicator = communicator
    reduction = try configuration.reduction.reduction(
      communicator: communicator, elementCount: replica.parameters.flatCount,
      leafCount: configuration.batch.microbatches, pool: replica.workspace.threads)
    optimizer = configuration.optimizer.optimizer(
      slice: reduction.partition.slice(of: communicator.rank), parameters: replica.parameters,
      threads: replica.workspace.threads)
    schedule = configuration.schedule.schedule(
      learningRate: configuration.optimizer.learningRate, steps: configuration.steps)
    clip = ClipNorm(maximum: configuration.optimizer.clipNorm)
    seed = UInt64(configuration.seed)
  }

  /// Takes one step. Collective.
  ///
  /// - Parameters:
  ///   - step: Optimiser steps taken before, from 0.
  ///   - flag: Any small number; all ranks learn the largest.
  /// - Throws: `NotFiniteError`, on all ranks, before any parameter is changed.
  public func run(step: Int, flag: Int = 0) throws -> StepOutcome {
    communicator.step = step + 1
    for microbatch in reduction.ownedLeaves {
      let loss = try gradient(step: step, microbatch: microbatch)
      phases.time(\.reduction) { reduction.fold(scalars: [loss.sum, loss.targetCount]) }
    }
    let total = try phases.time(\.reduction) { try reduction.reduce(flag: flag) }
    let outcome = StepOutcome(
      step: step + 1, total: total, learningRate: schedule.learningRate(step: step + 1))
    try requireFinite(outcome, total)
    phases.time(\.optimizer) {
      optimizer.update(
        parameters: UnsafeMutableBufferPointer(rebasing: replica.shared.values[total.slice]),
        gradient: UnsafeBufferPointer(total.values),
        scale: Float(clip.factor(norm: outcome.gradientNorm) / outcome.targetCount),
        step: step + 1, learningRate: outcome.learningRate)
    }
    try phases.time(\.reduction) { try replica.shared.share() }
    return outcome
  }

  /// Refuses a step whose loss or gradient is not a finite number. Collective: all ranks know the
  /// same sums, and look for the place together.
  private func requireFinite(_ outcome: StepOutcome, _ total: ReducedGradient) throws {
    if let leaf = total.nonFiniteLeaf {
      throw NotFiniteError.loss(
        step: outcome.step, rank: leaf.rank, microbatch: leaf.microbatch, value: leaf.value)
    }
    guard !outcome.gradientNorm.isFinite else { return }
    guard let place = try reduction.locateNonFinite() else {
      throw NotFiniteError.gradientNorm(step: outcome.step, value: outcome.gradientNorm)
    }
    let entry = replica.parameters.entries.first { $0.range.contains(place.element) }
    throw NotFiniteError.gradient(
      step: outcome.step, rank: place.rank, microbatches: place.microbatches,
      parameter: entry?.name ?? "element \(place.element)")
  }

  /// Computes the gradient of one micro-batch's summed loss into the reduction's leaf buffer.
  private func gradient(
    step: Int, microbatch: Int
  ) throws -> (sum: Double, targetCount: Double) {
    let workspace = replica.workspace
    guard let leaf = reduction.leafBuffer.baseAddress else {
      preconditionFailure("the reduction has no buffer for a gradient")
    }
    workspace.isTraining = true
    workspace.seekRandom(seed: seed, step: step, microbatch: microbatch)
    replica.parameters.beginGradient(into: leaf)
    let loss = try phases.time(\.forward) { try task.loss(step: step, microbatch: microbatch) }
    phases.time(\.backward) {
      loss.sum.backward()
      replica.parameters.finishGradient()
    }
    return (Double(loss.sum.item), Double(loss.targetCount))
  }
}

/// What a step came to; the same on all ranks.
public struct StepOutcome: Sendable, Equatable {
  /// Optimiser steps taken, this one included.
  public let step: Int
  /// Mean loss of a target, over all micro-batches.
  public let loss: Double
  /// Norm of the mean loss's gradient, before clipping.
  public let gradientNorm: Double
  public let learningRate: Double
  /// Targets of all micro-batches.
  public let targetCount: Double
  /// The largest flag of any rank.
  public let flag: Int

  init(step: Int, total: ReducedGradient, learningRate: Double) {
    self.step = step
    targetCount = max(1, total.scalars[1])
    loss = total.scalars[0] / targetCount
    gradientNorm = total.squaredNorm.squareRoot() / targetCount
    self.learningRate = learningRate
    flag = total.flag
  }
}

extension ReductionMethod {
  /// The reduction of one rank. Collective.
  func reduction(
    communicator: any Communicator, elementCount: Int, leafCount: Int, pool: ThreadPool
  ) throws -> any GradientReduction {
    switch self {
    case .canonical:
      try CanonicalReduction(
        communicator: communicator, elementCount: elementCount, leafCount: leafCount,
        scalarCount: 2, pool: pool)
    case .allreduce:
      try AllreduceReduction(
        communicator: communicator, elementCount: elementCount, leafCount: leafCount,
        scalarCount: 2, pool: pool)
    }
  }
}
