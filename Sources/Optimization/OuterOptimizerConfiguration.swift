import LockstepSettings

/// The `synchronize.outer` section: how the parameters follow what the workers have found.
///
/// The outer gradient is the mean over the workers of the parameters that they began with minus those
/// that they came to.
public struct OuterOptimizerConfiguration: Configurable {
  public enum Method: SettingVariants {
    case nesterov(NesterovOuterStep)
    case sgd(PlainOuterStep)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "nesterov", "Nesterov's momentum, as DiLoCo has it (Douillard et al. 2023).",
          Self.nesterov
        ) {
          if case .nesterov(let rule) = $0 { rule } else { nil }
        },
        Variant(
          "sgd",
          "Along the outer gradient; with learning rate 1 the mean of the workers' parameters, as in "
            + "local SGD and federated averaging (McMahan et al. 2017).",
          Self.sgd
        ) {
          if case .sgd(let rule) = $0 { rule } else { nil }
        },
      ]
    }
  }

  public var method: Method = .nesterov(NesterovOuterStep())

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "name", choosing: \.method,
        meaning: "The update rule that takes the mean of the workers' changes for a gradient.")
    ]
  }

  /// The rule, and its learning rate, which is the same in every round.
  public var rule: (method: SGD, learningRate: Double) {
    var method = SGD()
    switch self.method {
    case .nesterov(let step):
      method.momentum = step.momentum
      method.nesterov = step.momentum > 0
      return (method, step.learningRate)
    case .sgd(let step): return (method, step.learningRate)
    }
  }

  /// "nesterov, learning rate 0.7, momentum 0.9".
  public var summary: String {
    switch method {
    case .nesterov(let step):
      "nesterov, learning rate \(step.learningRate), momentum \(step.momentum)"
    case .sgd(let step): "sgd, learning rate \(step.learningRate)"
    }
  }
}

/// The keys of `synchronize.outer` with `name: nesterov`.
public struct NesterovOuterStep: Configurable {
  public var learningRate = 0.7
  public var momentum = 0.9

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("learning_rate", \.learningRate, .above(0), meaning: "Size of an outer update."),
      Field(
        "momentum", \.momentum, .within(0..<1),
        meaning: "How much of the last outer update's direction is kept."),
    ]
  }
}

/// The keys of `synchronize.outer` with `name: sgd`.
public struct PlainOuterStep: Configurable {
  public var learningRate = 1.0

  public init() {}

  public static var fields: [Field<Self>] {
    [Field("learning_rate", \.learningRate, .above(0), meaning: "Size of an outer update.")]
  }
}
