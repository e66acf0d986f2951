import LockstepCheckpoints
import LockstepOptimization
import LockstepReporting

/// How far a run has come, over all its resumptions.
struct RunProgress {
  /// Optimiser steps taken.
  private(set) var step = 0
  /// Targets trained on.
  private(set) var tokens = 0
  /// Seconds spent in steps.
  private(set) var seconds = 0.0
  /// Mean loss of the last step.
  private(set) var lastLoss: Double?
  private(set) var lastEvaluation: EvaluationResult?
  private var bestLoss: Double?
  private var bestStep: Int?

  private let plan: Plan
  /// Of all that decides the run's parameters, in words.
  let configurationSHA256: String
  /// Tokens that this process trained on, without those before it was started.
  private var ownTokens = 0
  private(set) var ownSeconds = 0.0
  private(set) var ownSteps = 0
  /// Targets a second, a moving average over about ten steps.
  private var recentRate = 0.0
  /// Of a step, a moving average over about a hundred: steps may be of very different lengths.
  private var recentStepSeconds = 0.0

  /// - Parameter identity: All that decides the run's parameters, in words.
  init(plan: Plan, identity: String) {
    self.plan = plan
    configurationSHA256 = sha256(of: Array(identity.utf8))
  }

  mutating func resume(from state: TrainingState) {
    step = state.step
    tokens = state.tokens
    seconds = state.seconds
    bestLoss = state.bestValidationLoss
    bestStep = state.bestStep
  }

  /// Takes back what the last step came to, where another process took it.
  mutating func recall(loss: Double?) { lastLoss = lastLoss ?? loss }

  mutating func record(_ outcome: StepOutcome, seconds stepSeconds: Double) {
    step = outcome.step
    tokens += Int(outcome.targetCount)
    seconds += stepSeconds
    ownTokens += Int(outcome.targetCount)
    ownSeconds += stepSeconds
    ownSteps += 1
    lastLoss = outcome.loss
    let rate = outcome.targetCount / max(stepSeconds, 1e-9)
    recentRate += max(0.1, 1 / Double(ownSteps)) * (rate - recentRate)
    recentStepSeconds += max(0.01, 1 / Double(ownSteps)) * (stepSeconds - recentStepSeconds)
  }

  mutating func record(_ result: EvaluationResult) {
    lastEvaluation = result
    if result.loss.isImprovement(on: bestLoss) {
      bestLoss = result.loss
      bestStep = step
    }
  }

  /// Targets a second since this process began.
  var meanTokensPerSecond: Double { Double(ownTokens) / max(ownSeconds, 1e-9) }

  func stepRecord(_ outcome: StepOutcome) -> StepRecord {
    StepRecord(
      step: step, steps: plan.steps, loss: outcome.loss,
      gradientNorm: outcome.gradientNorm, learningRate: outcome.learningRate, tokens: tokens,
      seconds: seconds, tokensPerSecond: recentRate,
      secondsLeft: ownSteps < 3
        ? nil : Double(plan.steps - step) * recentStepSeconds)
  }

  func state(notes: [String: String]) -> TrainingState {
    TrainingState(
      step: step, tokens: tokens, seconds: seconds, seed: UInt64(plan.seed),
      configurationSHA256: configurationSHA256,
      bestValidationLoss: bestLoss, bestStep: bestStep, notes: notes)
  }
}
