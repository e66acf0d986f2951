import LockstepCommunication

/// What a step came to; the same on all ranks.
public struct StepOutcome: Sendable, Equatable {
  /// Optimiser steps taken, this one included.
  public let step: Int
  /// Mean loss of a target, over all micro-batches.
  public let loss: Double
  /// Norm of the mean loss's gradient, before clipping; of a private run that of the mean of clipped gradients with
  /// their noise.
  public internal(set) var gradientNorm: Double
  public let learningRate: Double
  /// Targets of all micro-batches.
  public let targetCount: Double
  /// The largest flag of any rank.
  public let flag: Int
  /// Why the step changed nothing, in words; nil where it did.
  public internal(set) var skipped: String?
  /// Of a federated round, how many clients it is made of; nil: it is none.
  public internal(set) var clients: Int?
  /// What the user should know of it, one sentence each.
  var notices: [String] = []

  /// - Parameter mayBeEmpty: Whether a step may have no targets. `targetCount` is then 0; otherwise it is at
  ///   least 1.
  init(step: Int, total: ReducedGradient, learningRate: Double, mayBeEmpty: Bool) {
    self.step = step
    let divisor = max(1, total.scalars[1])
    targetCount = mayBeEmpty ? total.scalars[1] : divisor
    loss = total.scalars[0] / divisor
    gradientNorm = total.squaredNorm.squareRoot() / divisor
    self.learningRate = learningRate
    flag = total.flag
  }

  /// What the steps of several workers came to: the mean loss of all targets, and the root of the mean
  /// square of the workers' norms. Sums go in the order of the workers.
  init(step: Int, ofWorkers workers: [WorkerOutcome], learningRate: Double, flag: Int) {
    self.step = step
    let targets = workers.reduce(0) { $0 + $1.targetCount }
    targetCount = targets
    loss = workers.reduce(0) { $0 + $1.loss * $1.targetCount } / targets
    let squares = workers.reduce(0) { $0 + $1.gradientNorm * $1.gradientNorm }
    gradientNorm = (squares / Double(workers.count)).squareRoot()
    self.learningRate = learningRate
    self.flag = flag
  }

  /// What a federated round came to.
  ///
  /// - Parameter gradientNorm: Of the mean of the clients' changes.
  init(
    step: Int, round tally: RoundTally, gradientNorm: Double, learningRate: Double, flag: Int
  ) {
    self.step = step
    loss = tally.loss / max(1, tally.targetCount)
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    targetCount = tally.targetCount
    self.flag = flag
  }
}
