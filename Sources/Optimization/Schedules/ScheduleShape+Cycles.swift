import LockstepSettings

/// Half cosines, one after the other, each beginning at the full rate.
///
///     e = updates before this one, within its cycle;  T = steps of its cycle
///     factor = final_ratio + (1 - final_ratio) · (1 + cos(π e / T)) / 2
///
/// Each cycle is `period_factor` times as long as the one before. Updates count from the end of the
/// warm-up. I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
/// equation 5; `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.
public struct CosineRestartsShape: ScheduleShape {
  public static let dependsOnLength = false

  public var period = 100
  public var periodFactor = 1
  public var finalRatio = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("period", \.period, .count(from: 1), meaning: "Steps of the first cycle."),
      Field(
        "period_factor", \.periodFactor, .count(from: 1),
        meaning: "How many times as long as the one before each further cycle is."),
      Field(
        "final_ratio", \.finalRatio, .within(0...1),
        meaning: "What a cycle falls to, as a share of the highest rate."),
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    var (updates, length) = (span.updatesBefore(step), period)
    if periodFactor == 1 { updates %= period }
    while updates >= length {
      updates -= length
      let (product, overflows) = length.multipliedReportingOverflow(by: periodFactor)
      length = overflows ? .max : product
    }
    if updates == 0 { return 1 }
    let wave = (1 + Double.cosineOfHalfTurns(Double(updates) / Double(length))) / 2
    return finalRatio + (1 - finalRatio) * wave
  }
}

/// Up to the full rate and down again to almost nothing, along half cosines or straight lines.
///
///     first step: 1 / rise_from · rate;  step rise_fraction · steps: rate
///     last step: 1 / (rise_from · fall_to) · rate
///
/// Steps count from the end of the warm-up, which it does not need. L. Smith, N. Topin,
/// "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018, as
/// `torch.optim.lr_scheduler.OneCycleLR`, without its cycle of the momentum.
public struct OneCycleShape: ScheduleShape {
  public enum Course: String, SettingChoice {
    case cosine
    case linear

    public var documentation: String {
      switch self {
      case .cosine: "Half cosines."
      case .linear: "Straight lines."
      }
    }
  }

  public static let dependsOnLength = true

  public var riseFraction = 0.3
  public var riseFrom = 25.0
  public var fallTo = 1e4
  public var course = Course.cosine

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "rise_fraction", \.riseFraction, .within(0...1),
        meaning: "Share of the steps over which the rate rises."),
      Field(
        "rise_from", \.riseFrom, .atLeast(1),
        meaning: "The first rate is the highest divided by this."),
      Field(
        "fall_to", \.fallTo, .atLeast(1), meaning: "The last rate is the first divided by this."),
      Field("course", \.course, meaning: "Along what it rises and falls."),
    ]
  }

  public func factor(step: Int, over span: ScheduleSpan) -> Double {
    // Ends of the phases, in updates before: the last update has one less than there are steps.
    let count = Double(span.steps - span.warmupSteps)
    let (top, end) = (riseFraction * count - 1, count - 1)
    // A warm-up that leaves no way up or down rises to the full rate.
    if step <= span.warmupSteps, end <= 0 { return 1 }
    let place = Double(span.updatesBefore(step))
    let (first, last) = (1 / riseFrom, 1 / (riseFrom * fallTo))
    if place <= top { return between(first, 1, at: top > 0 ? place / top : 1) }
    return between(1, last, at: end > top ? min(1, (place - max(top, 0)) / (end - max(top, 0))) : 1)
  }

  private func between(_ start: Double, _ end: Double, at x: Double) -> Double {
    switch course {
    case .cosine: end + (start - end) / 2 * (1 + Double.cosineOfHalfTurns(x))
    case .linear: start + (end - start) * x
    }
  }
}
