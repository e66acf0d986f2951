import LockstepSettings

/// The course of the learning rate after the warm-up, with its keys.
public protocol ScheduleShape: Configurable {
  /// The rate at a step, as a share of the full rate, before the warm-up's share. Up to the end of
  /// the warm-up it is that of the course's beginning: 1, but for one-cycle, which begins lower.
  func factor(step: Int, over span: ScheduleSpan) -> Double

  /// Whether the rates of the first steps depend on how many there will be.
  static var dependsOnLength: Bool { get }
}

/// The same rate at every step.
public struct ConstantShape: ScheduleShape {
  public static let dependsOnLength = false

  public init() {}

  public static var fields: [Field<Self>] { [] }

  public func factor(step: Int, over span: ScheduleSpan) -> Double { 1 }
}

/// A straight line from the full rate down to a share of it.
///
///     x = (step - warm-up) / (steps - warm-up), kept within 0 ... 1
///     factor = 1 - (1 - final_ratio) · x
///
/// Exactly the full rate up to the end of the warm-up, exactly the final one from `steps` on.
public struct LinearShape: ScheduleShape {
  public static let dependsOnLength = true

  /// The last rate over the highest.
  public var finalRatio = 0.1

  public init() {}

  public static var fields: [Field<Self>] { [finalRatio(\.finalRatio)] }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    let x = span.progress(at: step)
    return x == 1 ? finalRatio : 1 - (1 - finalRatio) * x
  }
}

/// A power of the straight line from 1 to 0, from the full rate down to a share of it.
///
///     factor = final_ratio + (1 - final_ratio) · (1 - x)^power
///
/// x as for `LinearShape`. `torch.optim.lr_scheduler.PolynomialLR` with a final ratio.
public struct PolynomialShape: ScheduleShape {
  public static let dependsOnLength = true

  public var power = 2.0
  public var finalRatio = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("power", \.power, .above(0), meaning: "The exponent; 1 is a straight line."),
      finalRatio(\.finalRatio),
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    let rest = 1 - span.progress(at: step)
    return finalRatio + (1 - finalRatio) * rest.raised(to: power)
  }
}

/// Half a cosine from the full rate down to a share of it.
///
///     factor = final_ratio + (1 - final_ratio) · (1 + cos(π x)) / 2
///
/// x as for `LinearShape`. I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
/// Restarts", 2017, equation 5, without restarts.
public struct CosineShape: ScheduleShape {
  public static let dependsOnLength = true

  /// The last rate over the highest.
  public var finalRatio = 0.1

  public init() {}

  public static var fields: [Field<Self>] { [finalRatio(\.finalRatio)] }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    let x = span.progress(at: step)
    if x == 0 { return 1 }
    return finalRatio + (1 - finalRatio) * (1 + Double.cosineOfHalfTurns(x)) / 2
  }
}

/// The full rate, and a fall to a share of it over the last part of the run.
///
///     x = (step - start of the fall) / (steps - start of the fall), kept within 0 ... 1
///     factor = 1 - (1 - final_ratio) · x,  or · √x
///
/// S. Hu et al., "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training
/// Strategies", 2024; the root as A. Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond
/// Fixed Training Durations", 2024.
public struct WarmupStableDecayShape: ScheduleShape {
  public enum Fall: String, SettingChoice {
    case linear
    case root

    public var documentation: String {
      switch self {
      case .linear: "A straight line."
      case .root: "One minus the square root: fast at first."
      }
    }
  }

  public static let dependsOnLength = true

  public var decayFraction = 0.2
  public var fall = Fall.linear
  public var finalRatio = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "decay_fraction", \.decayFraction, .within(0...1),
        meaning: "Share of all steps over which the rate falls at the end."),
      Field("fall", \.fall, meaning: "How it falls."),
      finalRatio(\.finalRatio),
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    let length = Int((Double(span.steps) * decayFraction).rounded())
    let start = max(span.warmupSteps, span.steps - length)
    let x = ScheduleSpan.progress(at: step, from: start, to: span.steps)
    if x == 1 { return finalRatio }
    return 1 - (1 - finalRatio) * (fall == .root ? x.squareRoot() : x)
  }
}

extension ScheduleShape {
  static func finalRatio(_ path: WritableKeyPath<Self, Double>) -> Field<Self> {
    Field(
      "final_ratio", path, .within(0...1),
      meaning: "The last step's learning rate, as a share of the highest.")
  }
}
