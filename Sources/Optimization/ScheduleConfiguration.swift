import Settings

/// The `schedule` section: how the learning rate changes, counted in optimiser steps.
public struct ScheduleConfiguration: Configurable {
  public enum Shape: SettingVariants {
    case constant
    case linear(DecayConfiguration)
    case cosine(DecayConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant("constant", "The rate stays after the warm-up.", .constant),
        Variant("linear", "A straight line from the end of the warm-up to the end.", Self.linear) {
          if case .linear(let decay) = $0 { decay } else { nil }
        },
        Variant(
          "cosine", "Half a cosine from the end of the warm-up to the end.", Self.cosine
        ) {
          if case .cosine(let decay) = $0 { decay } else { nil }
        },
      ]
    }
  }

  public var shape: Shape = .cosine(DecayConfiguration())
  /// Optimiser steps over which the rate rises in a straight line.
  public var warmupSteps = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("name", choosing: \.shape, meaning: "The shape of the learning rate's course."),
      Field(
        "warmup_steps", \.warmupSteps, .atLeast(0),
        meaning: "Steps over which the rate first rises in a straight line; at most `steps`."),
    ]
  }
}

/// The keys of a schedule that ends lower than it starts.
public struct DecayConfiguration: Configurable {
  /// The last rate over the highest.
  public var finalRatio = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "final_ratio", \.finalRatio, .within(0...1),
        meaning: "The last step's learning rate, as a share of the highest.")
    ]
  }
}
