import LockstepSettings

/// The `synchronize.outer` section: how the parameters follow what the workers have found.
///
/// The outer gradient is the mean over the workers of the parameters that they began with minus those
/// that they came to.
public struct OuterOptimizerConfiguration: Configurable {
  public enum Method: SettingVariants {
    case nesterov(NesterovOuterStep)
    case sgd(PlainOuterStep)
    case sparseloco(SparseOuterStep)

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
        Variant(
          "sparseloco",
          "Along the mean of the largest elements of the workers' changes, in eight bits; what a worker has "
            + "not sent it adds to its next change (error feedback; Sarfi et al. 2025).",
          Self.sparseloco
        ) {
          if case .sparseloco(let rule) = $0 { rule } else { nil }
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

  /// Whether all of a worker's change is sent, and not its largest elements.
  public var sendsAll: Bool { if case .sparseloco = method { false } else { true } }

  /// "nesterov, learning rate 0.7, momentum 0.9".
  public var summary: String {
    switch method {
    case .nesterov(let step):
      "nesterov, learning rate \(step.learningRate), momentum \(step.momentum)"
    case .sgd(let step): "sgd, learning rate \(step.learningRate)"
    case .sparseloco(let step):
      "sparseloco, learning rate \(step.learningRate), density \(step.density), decay \(step.decay)"
    }
  }
}

/// The keys of `synchronize.outer` with `name: nesterov`.
public struct NesterovOuterStep: Configurable {
  public var learningRate = 0.7
  public var momentum = 0.9

  public init() {}

  /// The rule for the mean of the changes.
  public var rule: SGD {
    var rule = SGD()
    rule.momentum = momentum
    rule.nesterov = momentum > 0
    return rule
  }

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

/// The keys of `synchronize.outer` with `name: sparseloco`.
///
/// A. Sarfi et al., "Communication Efficient LLM Pre-training with SparseLoCo", 2025.
public struct SparseOuterStep: Configurable {
  public var learningRate = 1.0
  public var density = 0.03125
  public var decay = 0.95

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("learning_rate", \.learningRate, .above(0), meaning: "Size of an outer update."),
      Field(
        "density", \.density, .within(Self.leastDensity...1),
        meaning:
          "The share of a change that a worker sends: of each 4,096 elements the largest, rounded up to a "
          + "whole number of them. `1`: all, in eight bits each."),
      Field(
        "decay", \.decay, .within(0...1),
        meaning:
          "The share of what a worker has not sent that it adds to its next change. `0`: none."),
    ]
  }

  /// One element of a block.
  private static let leastDensity = 1.0 / 4096
}
