import LockstepCheckpoints
import TestSupport

/// A little checkpoint whose values tell its step.
func withSnapshot<Result>(
  step: Int, bestStep: Int? = nil, _ body: (CheckpointSnapshot) throws -> Result
) rethrows -> Result {
  var parameters = TensorSet()
  parameters.add("b", [4, 3]) { Float(step) + Float($0) }
  parameters.add("a", [5]) { Float(step) - Float($0) }
  var moments = TensorSet()
  moments.add("exp_avg/b", [4, 3]) { Float(step) * Float($0) }
  let state = TrainingState(
    step: step, tokens: 1000 * step, seconds: 0.1 * Double(step), seed: .max,
    configurationSHA256: String(repeating: "c0", count: 32), bestValidationLoss: 1.25,
    bestStep: bestStep,
    notes: ["patience": "3"])
  return try body(
    CheckpointSnapshot(
      parameters: parameters.views, optimizerState: moments.views, state: state,
      files: [.init(name: "config.json", bytes: Array(#"{"model_type":"gpt2"}"#.utf8))]))
}
