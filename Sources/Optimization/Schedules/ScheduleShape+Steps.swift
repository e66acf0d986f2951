import LockstepSettings

/// A factor after every so many steps.
///
///     factor = decay ^ ⌊updates before this one / every⌋
///
/// Updates count from the end of the warm-up; `torch.optim.lr_scheduler.StepLR`.
public struct StepShape: ScheduleShape {
  public static let dependsOnLength = false

  public var every = 100
  public var decay = 0.5

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 1), meaning: "Steps from one fall of the rate to the next."),
      stepDecay(\.decay),
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    decay.raised(to: span.updatesBefore(step) / every)
  }
}

/// A factor after each of some steps.
///
///     factor = decay ^ (how many of the milestones are below the step)
///
/// `torch.optim.lr_scheduler.MultiStepLR`.
public struct MultiStepShape: ScheduleShape {
  public static let dependsOnLength = false

  public var milestones = [500, 750]
  public var decay = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "milestones", \.milestones,
        meaning: "Steps of the run, warm-up included, after which the rate falls; ascending."),
      stepDecay(\.decay),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      milestones.allSatisfy { $0 >= 1 } && zip(milestones, milestones.dropFirst()).allSatisfy(<),
      "milestones", "steps from 1 on, ascending")
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    decay.raised(to: milestones.count { $0 < min(step, span.steps) })
  }
}

/// A factor after every step: a fall, or where it is above 1, a rise.
///
///     factor = decay ^ (step - warm-up)
///
/// `torch.optim.lr_scheduler.ExponentialLR`.
public struct ExponentialShape: ScheduleShape {
  public static let dependsOnLength = false

  public var decay = 0.999

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "decay", \.decay, .within(0...1000),
        meaning: "What the rate is multiplied with at each step; above 1 it rises.")
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    decay.raised(to: max(0, min(step, span.steps) - span.warmupSteps))
  }
}

/// The inverse square root of the step.
///
///     factor = √(W / max(step, W)),  W = warm-up, at least 1
///
/// With the learning rate 1 / √(D · W) it is the schedule of A. Vaswani et al., "Attention Is All You
/// Need", 2017, equation 3.
public struct InverseSquareRootShape: ScheduleShape {
  public static let dependsOnLength = false

  public init() {}

  public static var fields: [Field<Self>] { [] }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    let warmup = max(1, span.warmupSteps)
    return (Double(warmup) / Double(max(min(step, span.steps), warmup))).squareRoot()
  }
}

extension ScheduleShape {
  fileprivate static func stepDecay(_ path: WritableKeyPath<Self, Double>) -> Field<Self> {
    Field(
      "decay", path, .within(0...1), meaning: "What the rate is multiplied with at each fall.")
  }
}
