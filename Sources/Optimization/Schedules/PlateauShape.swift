import LockstepSettings

/// The full rate, multiplied with a factor whenever evaluations have stopped to improve.
///
///     an evaluation improves on the best where loss < best · (1 - min_improvement)
///     after more than `patience` others in a row:  factor = max(final_ratio, factor · decay)
///
/// As `torch.optim.lr_scheduler.ReduceLROnPlateau` in the mode `min` with a relative threshold.
public struct PlateauShape: ScheduleShape {
  public static let dependsOnLength = false

  public var decay = 0.1
  /// Evaluations without improvement that are put up with.
  public var patience = 10
  /// As a share of the best loss.
  public var minImprovement = 1e-4
  /// Evaluations after a fall that are not looked at.
  public var cooldown = 0
  public var finalRatio = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "decay", \.decay, .within(0..<1), meaning: "What the rate is multiplied with at each fall."),
      Field(
        "patience", \.patience, .count(from: 0),
        meaning:
          "Evaluations in a row without improvement that are put up with: the rate falls at the "
          + "next, while `early_stopping.patience` ends a run at the last of so many."),
      Field(
        "min_improvement", \.minImprovement, .within(0..<1),
        meaning:
          "How much lower than the best a loss must be, as a share of it, while "
          + "`early_stopping.min_improvement` is a difference of losses."),
      Field(
        "cooldown", \.cooldown, .count(from: 0),
        meaning: "Evaluations after a fall that do not count."),
      Field(
        "final_ratio", \.finalRatio, .within(0...1),
        meaning: "The lowest rate, as a share of the highest."),
    ]
  }

  /// The rate as long as nothing falls: what falls depends on what is measured.
  public func factor(step: Int, over span: ScheduleSpan) -> Double { 1 }

  /// What is remembered of the evaluations.
  public struct Memory: Encodable, Equatable, Sendable, Configurable {
    /// What the rate is multiplied with.
    public private(set) var factor = 1.0
    private var best: Double?
    private var withoutImprovement = 0
    private var cooldown = 0

    public init() {}

    public static var fields: [Field<Self>] {
      [
        Field("factor", \.factor, .within(0...1), meaning: "What the rate is multiplied with."),
        Field("best", \.best, meaning: "The lowest loss so far."),
        Field(
          "withoutImprovement", \.withoutImprovement, .count(from: 0),
          meaning: "Evaluations since then."),
        Field(
          "cooldown", \.cooldown, .count(from: 0), meaning: "Evaluations that do not count yet."),
      ]
    }

    /// Takes in an evaluation.
    public mutating func record(_ loss: Double, _ shape: PlateauShape) {
      if loss.isImprovement(on: best, below: { $0 * (1 - shape.minImprovement) }) {
        best = loss
        withoutImprovement = 0
      } else {
        withoutImprovement = min(withoutImprovement + 1, Requirement<Int>.largestCount)
      }
      if cooldown > 0 {
        cooldown -= 1
        withoutImprovement = 0
      }
      if withoutImprovement > shape.patience {
        factor = max(shape.finalRatio, factor * shape.decay)
        cooldown = shape.cooldown
        withoutImprovement = 0
      }
    }
  }
}
