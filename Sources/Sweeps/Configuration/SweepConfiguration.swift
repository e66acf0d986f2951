import LockstepSettings
import LockstepTraining

/// What a search is told: the configuration that it starts from, which of its keys vary and how,
/// and what to look for.
public struct SweepConfiguration: Configurable {
  public var base = ""
  public var method = SearchMethod.grid
  public var parameters = SweptParameters()
  public var metric = "validation_loss"
  public var goal: Goal?
  /// Parts of the samples that are held out in turn; nil: trials are compared on the base's own
  /// held-out data.
  public var folds: Int?
  /// Decides the random choices of values; not the runs' own seed.
  public var seed = 1

  public init() {}

  /// The most trials of a search.
  static let trialLimit = 10_000

  public static var fields: [Field<Self>] {
    [
      Field(
        "base", \.base, .path,
        meaning:
          "The configuration that every trial starts from, as `lockstep train` takes it; a path "
          + "from where the command is run."),
      Field("method", choosing: \.method, meaning: "How trials are chosen."),
      Field(
        "parameters", \.parameters,
        meaning:
          "The keys of the configuration that vary, by their full names such as "
          + "`optimizer.learning_rate`, each with these keys."),
      Field(
        "metric", \.metric, .notEmpty,
        meaning:
          "What trials are compared by: `validation_loss`, `loss` (of the last step), or what the "
          + "task measures on held-out data, such as `accuracy`, `r2`, `bits_per_byte`."),
      Field(
        "goal", \.goal,
        meaning: "Which values are better; `null` knows it of the metrics of Lockstep's tasks."),
      Field(
        "folds", \.folds, .ifPresent(.within(2...1000)),
        meaning:
          "Cross-validation: each trial is so many runs, each of which holds out another part of the "
          + "samples learned from (`data.folds`), and its metric is their mean. `null`: one run, "
          + "compared on `data.validation`. For classification and regression."),
      Field(
        "seed", \.seed, .atLeast(0),
        meaning:
          "Decides the values that are drawn: those of trial i are a function of `seed` and i. The "
          + "runs have the `seed` of their configuration."),
    ]
  }

  /// What the metric is for.
  var metricGoal: Goal { goal ?? Goal(ofMetric: metric) ?? .min }

  public func check(_ checks: inout SettingChecks) {
    checks.require(!base.isEmpty, "base", "the path of a configuration")
    checks.require(
      goal != nil || Goal(ofMetric: metric) != nil, "goal",
      "min or max, because it is not known which values of \(metric) are better",
      involving: "metric")
    let (keys, names) = (parameters.parameters, "a map of keys of the configuration")
    switch method {
    case .rangeTest:
      checks.require(keys.isEmpty, "parameters", "nothing, because method is range-test")
      checks.require(folds == nil, "folds", "null, because method is range-test")
    case .grid:
      checks.require(!keys.isEmpty, "parameters", names)
      let ranges = keys.filter(\.domain.values.isEmpty).map(\.key).joined(separator: ", ")
      checks.require(
        ranges.isEmpty, "parameters", "values for \(ranges), because method is grid")
      let count = keys.reduce(1) { min($0, Self.trialLimit + 1) * max(1, $1.domain.values.count) }
      checks.require(
        count <= Self.trialLimit, "parameters",
        "values of at most \(Self.trialLimit) combinations")
    case .random, .halving:
      checks.require(!keys.isEmpty, "parameters", names)
    }
  }
}

/// Which values of a metric are better.
public enum Goal: String, SettingChoice, Codable {
  case min
  case max

  public var documentation: String {
    switch self {
    case .min: "Low values."
    case .max: "High values."
    }
  }

  /// Of the metrics that Lockstep's tasks measure; nil for any other.
  package init?(ofMetric name: String) {
    let high = ["accuracy", "r2", "bleu", "chrf", "margin", "chosen_reward"]
    let low = ["loss", "perplexity", "bits_per_byte"]
    func ends(_ endings: [String]) -> Bool {
      endings.contains { name == $0 || name.hasSuffix("_" + $0) }
    }
    if ends(high) { self = .max } else if ends(low) { self = .min } else { return nil }
  }

  /// Whether one value is better than another.
  func prefers(_ value: Double, to other: Double) -> Bool {
    self == .min ? value < other : value > other
  }
}
