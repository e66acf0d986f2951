import LockstepSettings

/// The `schedule` section: how the learning rate changes, counted in optimiser steps.
public struct ScheduleConfiguration: Configurable {
  public enum Shape: SettingVariants {
    case constant
    case linear(LinearShape)
    case cosine(CosineShape)
    case step(StepShape)
    case multiStep(MultiStepShape)
    case exponential(ExponentialShape)
    case polynomial(PolynomialShape)
    case cosineRestarts(CosineRestartsShape)
    case inverseSquareRoot
    case oneCycle(OneCycleShape)
    case warmupStableDecay(WarmupStableDecayShape)
    case plateau(PlateauShape)

    public static var variants: [Variant<Self>] {
      [
        Variant("constant", "The rate stays after the warm-up.", .constant),
        variant("linear", "A straight line from the end of the warm-up to the end.", linear),
        variant("cosine", "Half a cosine from the end of the warm-up to the end.", cosine),
        variant("step", "A fall after every so many steps.", step),
        variant("multi-step", "A fall after each of some steps.", multiStep),
        variant("exponential", "A factor at each step.", exponential),
        variant("polynomial", "A power of a straight line, to the end.", polynomial),
        variant("cosine-restarts", "Half cosines, each from the full rate again.", cosineRestarts),
        Variant(
          "inverse-square-root", "Falls as 1 / √step after the warm-up (Vaswani et al. 2017).",
          .inverseSquareRoot),
        variant("one-cycle", "Up, and down to almost nothing (Smith & Topin 2018).", oneCycle),
        variant(
          "warmup-stable-decay", "The full rate, and a fall at the end (Hu et al. 2024).",
          warmupStableDecay),
        variant(
          "plateau", "A fall whenever evaluations have stopped to improve on the best.", plateau),
      ]
    }

    private static func variant<Rule: ScheduleShape>(
      _ name: String, _ documentation: String, _ embed: @escaping (Rule) -> Self
    ) -> Variant<Self> {
      Variant(name, documentation, embed) { $0.rule as? Rule }
    }

    /// The shape.
    public var rule: any ScheduleShape {
      switch self {
      case .constant: ConstantShape()
      case .linear(let rule): rule
      case .cosine(let rule): rule
      case .step(let rule): rule
      case .multiStep(let rule): rule
      case .exponential(let rule): rule
      case .polynomial(let rule): rule
      case .cosineRestarts(let rule): rule
      case .inverseSquareRoot: InverseSquareRootShape()
      case .oneCycle(let rule): rule
      case .warmupStableDecay(let rule): rule
      case .plateau(let rule): rule
      }
    }

    /// Whether the rates of the first steps depend on how many there will be.
    public var dependsOnLength: Bool { type(of: rule).dependsOnLength }
  }

  public var shape: Shape = .cosine(CosineShape())
  /// Optimiser steps over which the rate rises in a straight line.
  public var warmupSteps = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("name", choosing: \.shape, meaning: "The shape of the learning rate's course."),
      Field(
        "warmup_steps", \.warmupSteps, .count(from: 0),
        meaning: "Steps over which the rate first rises in a straight line; at most `steps`."),
    ]
  }

  /// The learning rate over a run.
  ///
  /// - Parameters:
  ///   - learningRate: The highest.
  ///   - steps: Optimiser steps of the whole run.
  public func schedule(learningRate: Double, steps: Int) -> Schedule {
    Schedule(
      learningRate: learningRate, shape: shape.rule, warmupSteps: min(warmupSteps, steps),
      steps: steps)
  }

  /// The shape that looks at evaluations, where it is one.
  public var plateau: PlateauShape? {
    if case .plateau(let shape) = shape { shape } else { nil }
  }
}
