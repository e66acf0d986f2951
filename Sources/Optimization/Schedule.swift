/// The learning rate as a function of the optimiser step, and of nothing else.
///
/// Steps are counted as everywhere in Lockstep: the first update is step 1, the last is step
/// `steps`. Step 0 is the state before any update; a schedule has a value there, but no update
/// uses it. So a warm-up over W steps begins at 1/W of the rate and reaches all of it at step W.
public protocol Schedule: Sendable {
  /// - Parameter step: Optimiser step, at least 0. Beyond the last step the last value stays.
  func learningRate(step: Int) -> Double
}

extension Schedule {
  /// This schedule with a linear warm-up in front; 0 steps leave it as it is.
  public func warmedUp(over steps: Int) -> WarmupSchedule {
    WarmupSchedule(self, over: steps)
  }
}

/// The same rate at every step.
public struct ConstantSchedule: Schedule {
  public let learningRate: Double

  public init(learningRate: Double) {
    self.learningRate = learningRate
  }

  public func learningRate(step: Int) -> Double { learningRate }
}

/// A straight line from the full rate down to a fraction of it.
///
///     x = (step - first) / (last - first), kept within 0 ... 1
///     rate(step) = rate · (1 - (1 - finalRatio) · x)
///
/// Exactly the full rate up to `first`, exactly rate · finalRatio from `last` on.
public struct LinearSchedule: Schedule {
  public let learningRate: Double
  public let finalRatio: Double
  public let decay: ClosedRange<Int>

  /// - Parameters:
  ///   - learningRate: The full rate.
  ///   - finalRatio: The last step's rate as a fraction of the full one. Default: 0.1.
  ///   - decay: First and last optimiser step of the decline: end of warm-up to end of run.
  public init(learningRate: Double, finalRatio: Double = 0.1, over decay: ClosedRange<Int>) {
    self.learningRate = learningRate
    self.finalRatio = finalRatio
    self.decay = decay
  }

  public func learningRate(step: Int) -> Double {
    let x = decay.progress(at: step)
    return x == 1 ? learningRate * finalRatio : learningRate * (1 - (1 - finalRatio) * x)
  }
}

/// Half a cosine from the full rate down to a fraction of it.
///
///     x = (step - first) / (last - first), kept within 0 ... 1
///     rate(step) = rate · (finalRatio + (1 - finalRatio) · (1 + cos(π x)) / 2)
///
/// Exactly the full rate up to `first`, exactly rate · finalRatio from `last` on. I. Loshchilov,
/// F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5, without
/// restarts.
public struct CosineSchedule: Schedule {
  public let learningRate: Double
  public let finalRatio: Double
  public let decay: ClosedRange<Int>

  /// - Parameters:
  ///   - learningRate: The full rate.
  ///   - finalRatio: The last step's rate as a fraction of the full one. Default: 0.1.
  ///   - decay: First and last optimiser step of the decline: end of warm-up to end of run.
  public init(learningRate: Double, finalRatio: Double = 0.1, over decay: ClosedRange<Int>) {
    self.learningRate = learningRate
    self.finalRatio = finalRatio
    self.decay = decay
  }

  public func learningRate(step: Int) -> Double {
    let x = decay.progress(at: step)
    if x == 0 { return learningRate }
    let wave = (1 + Double.cosineOfHalfTurns(x)) / 2
    return learningRate * (finalRatio + (1 - finalRatio) * wave)
  }
}

/// A linear warm-up in front of any schedule.
///
///     rate(step) = schedule(step) · min(1, step / steps)
///
/// Zero at step 0, exactly the schedule's own value from step `steps` on.
public struct WarmupSchedule: Schedule {
  /// What follows, and what is scaled on the way there.
  public let schedule: any Schedule
  /// Length of the warm-up in optimiser steps.
  public let steps: Int

  public init(_ schedule: any Schedule, over steps: Int) {
    precondition(steps >= 0, "a warm-up takes 0 or more steps, not \(steps)")
    self.schedule = schedule
    self.steps = steps
  }

  public func learningRate(step: Int) -> Double {
    let rate = schedule.learningRate(step: step)
    return step >= steps ? rate : rate * Double(step) / Double(steps)
  }
}

extension ClosedRange<Int> {
  /// How far a step is from the first to the last, 0 up to the first, 1 from the last on.
  fileprivate func progress(at step: Int) -> Double {
    precondition(step >= 0, "optimiser steps are not negative, as \(step) is")
    if step <= lowerBound { return 0 }
    if step >= upperBound { return 1 }
    return Double(step - lowerBound) / Double(upperBound - lowerBound)
  }
}
