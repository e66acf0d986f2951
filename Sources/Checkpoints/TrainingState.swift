/// What a run must know to go on, besides parameters and optimiser state: `state.json`.
///
/// The place in the data is a function of the step, so there is nothing more. Keys that a later
/// Lockstep adds are optional here and ignored there.
public struct TrainingState: Codable, Equatable, Sendable {
  /// Optimiser steps taken.
  public var step: Int
  /// Target tokens trained on, over all ranks and resumptions.
  public var tokens: Int
  /// Seconds spent training, over all resumptions.
  public var seconds: Double
  /// The run's seed.
  public var seed: UInt64
  /// SHA-256 of the part of the configuration that decides the bits.
  public var configurationSHA256: String
  /// The lowest validation loss so far, in nats per token, where there was an evaluation.
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
