import LockstepSettings

/// What a run must know to go on, besides parameters and optimiser state: `state.json`.
///
/// The place in the data is a function of the step, so there is nothing more. Keys that a later
/// Lockstep adds are optional here and ignored there.
public struct TrainingState: Codable, Equatable, Sendable {
  /// Optimiser steps taken.
  public var step: Int
  /// Targets trained on: tokens, samples or preferences; over all ranks and resumptions.
  public var tokens: Int
  /// Seconds spent training, over all resumptions.
  public var seconds: Double
  /// The run's seed.
  public var seed: UInt64
  /// SHA-256 of the part of the configuration that decides the bits.
  public var configurationSHA256: String
  /// The lowest validation loss so far, the mean of a target; nil before the first evaluation.
  public var bestValidationLoss: Double?
  /// The step of that evaluation.
  public var bestStep: Int?
  /// Room for tasks and schedules that must remember something, by name.
  public var notes: [String: String]

  public init(
    step: Int, tokens: Int, seconds: Double = 0, seed: UInt64, configurationSHA256: String,
    bestValidationLoss: Double? = nil, bestStep: Int? = nil, notes: [String: String] = [:]
  ) {
    self.step = step
    self.tokens = tokens
    self.seconds = seconds
    self.seed = seed
    self.configurationSHA256 = configurationSHA256
    self.bestValidationLoss = bestValidationLoss
    self.bestStep = bestStep
    self.notes = notes
  }

  enum CodingKeys: String, CodingKey {
    case step, tokens, seconds, seed, notes
    case configurationSHA256 = "configuration_sha256"
    case bestValidationLoss = "best_validation_loss"
    case bestStep = "best_step"
  }
}

/// The ranges of `state.json`, so that a file that says what no run can have come to is refused.
extension TrainingState: Configurable {
  /// A state of nothing, which no file is: `check` refuses it.
  public init() { self.init(step: 0, tokens: 0, seed: 0, configurationSHA256: "") }

  public static var fields: [Field<Self>] {
    [
      Field("step", \.step, .count(from: 0), meaning: "Optimiser steps taken."),
      // Half of what can be counted, so that a run can go on from there.
      Field("tokens", \.tokens, .within(0...1 << 62), meaning: "Targets trained on."),
      Field("seconds", \.seconds, .atLeast(0), meaning: "Seconds spent training."),
      Field("seed", \.seed, meaning: "The run's seed."),
      Field(
        "configuration_sha256", \.configurationSHA256, .hexadecimalSHA256,
        meaning: "SHA-256 of the part of the configuration that decides the bits."),
      Field("best_validation_loss", \.bestValidationLoss, meaning: "The lowest so far."),
      Field(
        "best_step", \.bestStep, .ifPresent(.count(from: 0)),
        meaning: "The step of that evaluation."),
      Field("notes", \.notes, meaning: "What tasks and schedules remember, by name."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      !configurationSHA256.isEmpty, "configuration_sha256", "64 hexadecimal digits")
    if let bestStep {
      checks.require(bestStep <= step, "best_step", "at most step (\(step))", involving: "step")
    }
  }
}

extension Requirement where Value == String {
  /// A SHA-256 as Lockstep writes it.
  static var hexadecimalSHA256: Self {
    Self("of 64 hexadecimal digits") {
      $0.utf8.count == 64 && $0.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
  }
}
