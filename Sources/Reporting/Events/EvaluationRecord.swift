/// What came of one evaluation on held-out data.
public struct EvaluationRecord: Equatable, Sendable {
  /// Optimiser steps taken.
  public var step: Int
  /// Mean loss of a target; of a language model in nats per token.
  public var loss: Double
  /// What the task measures beside the loss, in the order of printing.
  public var metrics: [MetricValue]
  /// Targets looked at: tokens, samples or preferences.
  public var tokens: Int
  /// Seconds it took.
  public var seconds: Double
  /// Which weights were looked at, where they are not the trained ones: `average` or `best`.
  public var weights: String?

  public init(
    step: Int, loss: Double, metrics: [MetricValue], tokens: Int, seconds: Double,
    weights: String? = nil
  ) {
    self.step = step
    self.loss = loss
    self.metrics = metrics
    self.tokens = tokens
    self.seconds = seconds
    self.weights = weights
  }
}
