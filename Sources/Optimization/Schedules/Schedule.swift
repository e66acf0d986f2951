/// The learning rate as a function of the optimiser step, and of nothing else.
///
///     rate(step) = learning_rate · factor of the shape · min(1, step / warmup_steps)
///
/// Steps are counted as everywhere in Lockstep: the first update is step 1, the last is step
/// `steps`. Step 0 is the state before any update; a schedule has a value there, but no update
/// uses it. So a warm-up over W steps begins at 1/W of the rate and reaches all of it at step W.
public struct Schedule: Sendable {
  /// The full rate.
  public let learningRate: Double
  public let shape: any ScheduleShape
  public let span: ScheduleSpan

  /// - Parameters:
  ///   - shape: What follows the warm-up.
  ///   - warmupSteps: Length of the warm-up in optimiser steps. Default: 0.
  ///   - steps: Optimiser steps of the whole run.
  public init(
    learningRate: Double, shape: any ScheduleShape, warmupSteps: Int = 0, steps: Int
  ) {
    precondition(warmupSteps >= 0, "a warm-up takes 0 or more steps, not \(warmupSteps)")
    self.learningRate = learningRate
    self.shape = shape
    span = ScheduleSpan(warmupSteps: warmupSteps, steps: steps)
  }

  /// - Parameter step: Optimiser step, at least 0. Beyond the last step the last value stays.
  public func learningRate(step: Int) -> Double {
    precondition(step >= 0, "optimiser steps are not negative, as \(step) is")
    let rate = learningRate * shape.factor(step: step, over: span)
    let warmup = span.warmupSteps
    return step >= warmup ? rate : rate * Double(step) / Double(warmup)
  }
}

/// The steps of a schedule.
public struct ScheduleSpan: Equatable, Sendable {
  /// Steps of warm-up.
  public let warmupSteps: Int
  /// Steps of the whole run, warm-up included.
  public let steps: Int

  /// How far a step is from the end of the warm-up to the end of the run: 0 up to the first, 1 from
  /// the second on.
  func progress(at step: Int) -> Double { Self.progress(at: step, from: warmupSteps, to: steps) }

  /// How far a step is from the first to the last, 0 up to the first, 1 from the last on.
  static func progress(at step: Int, from first: Int, to last: Int) -> Double {
    if step <= first { return 0 }
    if step >= last { return 1 }
    return Double(step - first) / Double(last - first)
  }

  /// Updates after the warm-up and before this step: 0 for the first of them.
  func updatesBefore(_ step: Int) -> Int { max(0, min(step, steps) - warmupSteps - 1) }
}
