/// What came of one optimiser step.
public struct StepRecord: Equatable, Sendable {
  /// Number of the step, from 1.
  public var step: Int
  /// Steps of the whole run.
  public var steps: Int
  /// Mean loss of a target, before the update; of a language model in nats per token.
  public var loss: Double
  /// Norm of the gradient of that mean, before clipping.
  public var gradientNorm: Double
  public var learningRate: Double
  /// Targets trained on since step 1: tokens, samples or preferences; over all ranks and resumptions.
  public var tokens: Int
  /// Seconds spent training since step 1, over all resumptions.
  public var seconds: Double
  /// Targets a second, over all ranks: a moving average over about ten steps.
  public var tokensPerSecond: Double
  /// Estimate for the rest of the run; nil where there is nothing to go by yet.
  public var secondsLeft: Double?
  /// ε of a private run after this step, or after a few more: never less than is spent; nil: the run is not
  /// private.
  public var epsilon: Double?
  /// How many clients a federated round is made of; nil: the run has none.
  public var clients: Int?

  public init(
    step: Int, steps: Int, loss: Double, gradientNorm: Double, learningRate: Double, tokens: Int,
    seconds: Double, tokensPerSecond: Double, secondsLeft: Double? = nil,
    epsilon: Double? = nil
  ) {
    self.step = step
    self.steps = steps
    self.loss = loss
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    self.tokens = tokens
    self.seconds = seconds
    self.tokensPerSecond = tokensPerSecond
    self.secondsLeft = secondsLeft
    self.epsilon = epsilon
  }
}
