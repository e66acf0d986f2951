import LockstepOptimization
import LockstepParallelism
import LockstepSettings
import Testing

/// Equal up to rounding: relative to the larger, with a floor for what has cancelled.
func expectClose(
  _ found: [Float], _ expected: [Float], _ what: String, tolerance: Float = 2e-6,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  for (index, (a, b)) in zip(found, expected).enumerated()
  where !(abs(a - b) <= tolerance * max(abs(a), abs(b), 0.1)) {
    Issue.record("\(what): element \(index): \(a), not \(b)", sourceLocation: sourceLocation)
    return
  }
}

/// Equal to the last bit; tells the first element that is not.
func expectSameBits(
  _ found: [Float], _ expected: [Float], _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let difference = zip(found, expected).enumerated().first { $1.0.bitPattern != $1.1.bitPattern }
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  if let (index, (a, b)) = difference {
    Issue.record("\(what): element \(index): \(a), not \(b)", sourceLocation: sourceLocation)
  }
}

extension OptimizerConfiguration {
  /// A configuration of keys that are written as in YAML.
  init(_ keys: KeyValuePairs<String, String>) throws {
    try self.init(
      settings: SettingNode(
        .map(keys.map { SettingNode.Entry($0.key, SettingNode(.plain($0.value))) })))
  }
}

extension Optimizer {
  func update(
    _ parameters: inout [Float], _ gradient: [Float], scale: Float, step: Int, learningRate: Double
  ) throws {
    var gradient = gradient
    try parameters.withUnsafeMutableBufferPointer { parameters in
      try gradient.withUnsafeMutableBufferPointer { gradient in
        try update(
          parameters: parameters, gradient: gradient, scale: scale, step: step,
          learningRate: learningRate)
      }
    }
  }
}
