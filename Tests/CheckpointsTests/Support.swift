import Foundation
import LockstepCheckpoints

/// Tensors in memory that is never freed: it only has to last for a test.
struct TensorSet {
  private(set) var views: [TensorView] = []

  mutating func add(_ name: String, _ shape: [Int], _ element: (Int) -> Float) {
    let count = shape.reduce(1, *)
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    for index in 0..<count { values.initializeElement(at: index, to: element(index)) }
    views.append(TensorView(name: name, shape: shape, values: UnsafeBufferPointer(values)))
  }

  /// Overwrites every element, as the next optimiser step would.
  func overwrite(with value: Float) {
    for view in views { UnsafeMutableBufferPointer(mutating: view.values).update(repeating: value) }
  }
}

/// What the fixture script's `ramp` makes: exact in every element type.
func ramp(_ index: Int) -> Float { Float(index) * 0.25 - 3 }

enum Fixture {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Checkpoints").path

  static func path(_ name: String) -> String { folder + "/" + name }
}

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
    configurationSHA256: "c0ffee", bestValidationLoss: 1.25, bestStep: bestStep,
    notes: ["patience": "3"])
  return try body(
    CheckpointSnapshot(
      parameters: parameters.views, optimizerState: moments.views, state: state,
      files: [.init(name: "config.json", bytes: Array(#"{"model_type":"gpt2"}"#.utf8))]))
}
