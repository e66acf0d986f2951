import LockstepSettings

/// How a search chooses its trials, and how far each of them runs.
public enum SearchMethod: SettingVariants {
  case grid
  case random(RandomSearch)
  case halving(SuccessiveHalving)
  case rangeTest(RangeTest)

  public static var variants: [Variant<Self>] {
    [
      Variant(
        "grid", "Every combination of the values; the first key varies slowest.", .grid),
      Variant("random", "Values drawn at random for each trial.", Self.random) {
        if case .random(let search) = $0 { search } else { nil }
      },
      Variant(
        "halving",
        "Values drawn at random; all trials run a little, the best go on (successive halving).",
        Self.halving
      ) {
        if case .halving(let search) = $0 { search } else { nil }
      },
      Variant(
        "range-test", "One run whose learning rate grows at every step (Smith 2017).",
        Self.rangeTest
      ) {
        if case .rangeTest(let test) = $0 { test } else { nil }
      },
    ]
  }
}

/// Trials with values drawn at random, each run to its end.
///
/// J. Bergstra, Y. Bengio, "Random Search for Hyper-Parameter Optimization", 2012.
public struct RandomSearch: Configurable {
  public var trials = 20

  public init() {}

  public static var fields: [Field<Self>] { [.trials(\.trials)] }
}

/// Trials with values drawn at random. All run a few steps; then, at each rung, the best 1/η go on
/// from where they are, for η times as many steps.
///
///     steps of rung k:  min(steps, min_steps · ηᵏ);  trials of rung k + 1:  max(1, ⌊trials of rung k / η⌋)
///
/// K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
/// Optimization", 2016.
public struct SuccessiveHalving: Configurable {
  public var trials = 27
  public var eta = 3
  /// Steps of the first rung.
  public var minSteps: Int?

  public init() {}

  public static var fields: [Field<Self>] {
    [
      .trials(\.trials),
      Field(
        "eta", \.eta, .within(2...100),
        meaning: "One trial of so many goes on at each rung, for so many times the steps."),
      Field(
        "min_steps", \.minSteps, .ifPresent(.count(from: 1)),
        meaning:
          "Steps of the first rung; `null`: the configuration's `steps` / `eta`², for three rungs."),
    ]
  }

  /// Optimiser steps at the end of each rung, ascending; the last is the whole run.
  ///
  /// - Parameter steps: Of the whole run.
  func rungs(steps: Int) -> [Int] {
    var rungs: [Int] = []
    var next = minSteps ?? (steps + eta * eta - 1) / (eta * eta)
    while next < steps {
      rungs.append(next)
      next *= eta
    }
    return rungs + [steps]
  }
}

/// One run whose learning rate grows by a factor at each step, until the loss explodes.
///
///     rate of step s = low · (high / low)^((s - 1) / (steps - 1))
///
/// L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3; growing
/// by a factor as in S. Gugger's and J. Howard's fastai.
public struct RangeTest: Configurable {
  public var low = 1e-6
  public var high = 1.0
  public var steps = 200

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("low", \.low, .above(0), meaning: "The learning rate of the first step."),
      Field("high", \.high, .above(0), meaning: "The learning rate of the last step."),
      Field("steps", \.steps, .within(10...100_000), meaning: "Optimiser steps from low to high."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(low < high, "low", "below high (\(high))", involving: "high")
  }
}

extension Field {
  fileprivate static func trials(_ path: WritableKeyPath<Root, Int>) -> Field {
    Field(
      "trials", path, .within(1...SweepConfiguration.trialLimit), meaning: "How many are tried.")
  }
}
