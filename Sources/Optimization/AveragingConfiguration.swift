import LockstepSettings

/// The `average` section: whether a run's result is an average of its weights over steps.
public struct AveragingConfiguration: Configurable {
  public enum Method: SettingVariants {
    case none
    case exponential(ExponentialAveraging)
    case stochastic(StochasticAveraging)

    public static var variants: [Variant<Self>] {
      [
        Variant("none", "The result is the weights after the last step.", .none),
        Variant(
          "exponential",
          "The running mean: avg = d · avg + (1 - d) · weights, where d is decay, and in the n-th step after the "
            + "beginning of the average at most (1 + n) / (10 + n): a short run's average is not of its first "
            + "weights, but looks back over the last tenth of its steps.",
          Self.exponential
        ) {
          if case .exponential(let rule) = $0 { rule } else { nil }
        },
        Variant(
          "stochastic", "The mean of the weights at some steps (Izmailov et al. 2018).",
          Self.stochastic
        ) {
          if case .stochastic(let rule) = $0 { rule } else { nil }
        },
      ]
    }
  }

  public var method: Method = .none

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "name", choosing: \.method,
        meaning: "What is evaluated, and what the run ends with: training itself goes on without.")
    ]
  }

  /// Whether the average is one of several steps' weights, and not simply the last ones.
  ///
  /// - Parameter step: From 1.
  public func isAverage(step: Int) -> Bool {
    switch method {
    case .none: false
    case .exponential(let rule): step > rule.start + 1
    case .stochastic(let rule): step > rule.firstSample
    }
  }

  /// How far the average moves towards the weights of a step: 0 leaves it, 1 replaces it.
  ///
  /// - Parameter step: From 1.
  public func rate(step: Int) -> Double {
    switch method {
    case .none: 1
    case .exponential(let rule): rule.rate(step: step)
    case .stochastic(let rule):
      step <= rule.firstSample
        ? 1
        : (step - rule.start).isMultiple(of: rule.every)
          ? 1 / Double((step - rule.start) / rule.every) : 0
    }
  }
}

/// The keys of `average` with `name: exponential`.
public struct ExponentialAveraging: Configurable {
  public var decay = 0.999
  /// Steps before the average begins.
  public var start = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "decay", \.decay, .within(0..<1),
        meaning: "How much of the average is kept, per step, when it has gone on for long enough."),
      Field("start", \.start, .count(from: 0), meaning: "Steps before the average begins."),
    ]
  }

  /// How far the average moves towards the weights of a step.
  ///
  /// It begins with weights that have hardly learned: what is kept of it is less at first, as TensorFlow's
  /// `ExponentialMovingAverage(decay, num_updates)` has it. A function of the step alone, so that a resumed
  /// run goes on as if it had never stopped.
  fileprivate func rate(step: Int) -> Double {
    guard step > start + 1 else { return 1 }
    let updates = Double(step - start - 1)
    return 1 - min(decay, (1 + updates) / (10 + updates))
  }
}

/// The keys of `average` with `name: stochastic`.
public struct StochasticAveraging: Configurable {
  public var every = 1
  /// Steps before the average begins.
  public var start = 0

  /// The step whose weights are the first of the average: until then it is the weights of the last step.
  fileprivate var firstSample: Int { start + every }

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 1),
        meaning: "Steps from one of the weights that are averaged to the next."),
      Field("start", \.start, .count(from: 0), meaning: "Steps before the average begins."),
    ]
  }
}
