import LockstepOptimization
import LockstepSettings

/// The `early_stopping` section: when a run ends because it no longer improves.
public struct EarlyStoppingConfiguration: Configurable {
  /// Evaluations in a row without improvement, at the last of which a run ends; 0 never stops.
  public var patience = 0
  public var minImprovement = 0.0

  public init() {}

  public var isOn: Bool { patience > 0 }

  public static var fields: [Field<Self>] {
    [
      Field(
        "patience", \.patience, .count(from: 0),
        meaning:
          "Evaluations in a row without improvement, at the last of which the run ends with the "
          + "weights of the best one (`schedule.patience` waits for one more). `0` never stops; "
          + "otherwise a run ends with the best weights in any case."),
      Field(
        "min_improvement", \.minImprovement, .atLeast(0),
        meaning:
          "How much lower than the best so far a loss must be to be an improvement: a difference "
          + "of losses, while `schedule.min_improvement` is a share."),
    ]
  }
}

/// Watches the evaluations of a run.
struct EarlyStopping: Encodable, Equatable, Configurable {
  private(set) var best: Double?
  /// The step of the best evaluation.
  private(set) var bestStep: Int?
  private(set) var withoutImprovement = 0
  /// The step at which the run was to end.
  private(set) var stoppedAt: Int?

  static var fields: [Field<Self>] {
    [
      Field("best", \.best, meaning: "The lowest loss so far."),
      Field(
        "bestStep", \.bestStep, .ifPresent(.count(from: 0)), meaning: "The step of that loss."),
      Field(
        "withoutImprovement", \.withoutImprovement, .count(from: 0),
        meaning: "Evaluations since then."),
      Field(
        "stoppedAt", \.stoppedAt, .ifPresent(.count(from: 0)),
        meaning: "The step at which the run was to end."),
    ]
  }

  func check(_ checks: inout SettingChecks) {
    checks.require(
      (best == nil) == (bestStep == nil), "bestStep",
      "a step where there is a best loss, and only there",
      involving: "best")
  }

  func isImprovement(_ loss: Double, _ configuration: EarlyStoppingConfiguration) -> Bool {
    loss.isImprovement(on: best) { $0 - configuration.minImprovement }
  }

  /// What the user is told once the run is to end; nil before.
  var notice: String? {
    guard stoppedAt != nil else { return nil }
    guard let bestStep else {
      return "no evaluation had a finite loss: the run ends with the weights that it has"
    }
    return "no evaluation improved on that of step \(bestStep): the run ends with its weights"
  }

  /// Takes in an evaluation.
  mutating func record(_ loss: Double, step: Int, _ configuration: EarlyStoppingConfiguration) {
    if isImprovement(loss, configuration) {
      (best, bestStep) = (loss, step)
      withoutImprovement = 0
    } else {
      withoutImprovement = min(withoutImprovement + 1, Requirement<Int>.largestCount)
    }
    if configuration.isOn, withoutImprovement >= configuration.patience { stoppedAt = step }
  }
}

/// A schedule or an early stop that goes by evaluations, without anything to evaluate on.
public struct MissingEvaluationsError: UserInputError, Equatable {
  public var description: String {
    "schedule.name: plateau and early_stopping go by evaluations, but there is no held-out data: "
      + "set data.validation"
  }
}
