import Settings

/// The `optimizer` section: a method with its own keys, and what every method has.
public struct OptimizerConfiguration: Configurable {
  public enum Method: SettingVariants {
    case adamw(AdamWConfiguration)
    case sgd(SGDConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "adamw", "Adam with decoupled weight decay (Loshchilov & Hutter 2019).", Self.adamw
        ) {
          if case .adamw(let configuration) = $0 { configuration } else { nil }
        },
        Variant("sgd", "Stochastic gradient descent, with momentum if asked for.", Self.sgd) {
          if case .sgd(let configuration) = $0 { configuration } else { nil }
        },
      ]
    }
  }

  public var method: Method = .adamw(AdamWConfiguration())
  /// The highest rate of the schedule.
  public var learningRate = 1e-3
  /// The largest norm of the gradient, averaged over target tokens, that is not scaled down;
  /// 0 never scales.
  public var clipNorm = 1.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("name", choosing: \.method, meaning: "The update rule."),
      Field(
        "learning_rate", \.learningRate, .atLeast(0),
        meaning: "Size of an update, at the highest point of the schedule."),
      Field(
        "clip_norm", \.clipNorm, .atLeast(0),
        meaning:
          "Largest norm of the whole gradient (of the mean loss); a longer one is scaled down to it. "
          + "`0` never scales."),
    ]
  }
}

/// The keys of `optimizer` with `name: adamw`.
public struct AdamWConfiguration: Configurable {
  /// Decay rates of the gradient's mean and of its square's mean, per optimiser step.
  public var betas = [0.9, 0.95]
  public var epsilon = 1e-8
  public var weightDecay = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "betas", \.betas, .count(2, each: .within(0..<1)),
        meaning:
          "How much of the running means of the gradient and of its square is kept, per step."),
      Field(
        "epsilon", \.epsilon, .above(0),
        meaning: "Added to the root of the mean square, so that nothing is divided by zero."),
      Field(
        "weight_decay", \.weightDecay, .atLeast(0),
        meaning:
          "Share of each weight, times the learning rate, taken away at each step; matrices only."),
    ]
  }
}

/// The keys of `optimizer` with `name: sgd`.
public struct SGDConfiguration: Configurable {
  public var momentum = 0.0
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "momentum", \.momentum, .within(0..<1),
        meaning: "How much of the last update's direction is kept."),
      Field(
        "weight_decay", \.weightDecay, .atLeast(0),
        meaning: "Times the weight, added to its gradient; matrices only."),
    ]
  }
}
