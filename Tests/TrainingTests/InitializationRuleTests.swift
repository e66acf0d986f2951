import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct InitializationRuleTests {
  private struct Single: Module { let weight: Parameter }

  /// The initialiser of a weight with 24 inputs and 8 outputs.
  private func initializer(
    _ method: InitializationRule.Method, storedAs layout: WeightLayout
  ) throws -> Initializer {
    let shape: Shape = layout == .inputsByOutputs ? [24, 8] : [8, 24]
    let store = ParameterStore(
      of: Single(weight: Parameter(shape, initializer: .zeros, layout: layout)))
    let configuration = try RunConfiguration.parse(
      yaml: "initialization: [{parameters: weight, method: \(method.rawValue), scale: 0.5}]",
      source: "run.yaml")
    return try #require(configuration.initialization.first).initializer(of: store.entries[0])
  }

  @Test(arguments: InitializationRule.Method.allCases, [false, true])
  func everyMethodIsItsInitializerInBothLayouts(
    method: InitializationRule.Method, isInputsByOutputs: Bool
  ) throws {
    let expected: Initializer =
      switch method {
      case .xavierUniform: .uniform(bound: (Float(6) / 32).squareRoot() / 2)
      case .xavierNormal: .normal(deviation: (Float(2) / 32).squareRoot() / 2)
      case .heUniform: .uniform(bound: (Float(6) / 24).squareRoot() / 2)
      case .heNormal: .normal(deviation: (Float(2) / 24).squareRoot() / 2)
      case .normal: .normal(deviation: 0.5)
      case .truncatedNormal: .truncatedNormal(deviation: 0.5, bound: 1)
      case .uniform: .uniform(bound: 0.5)
      case .orthogonal: .orthogonal(rows: isInputsByOutputs ? 24 : 8, gain: 0.5)
      case .zeros: .zeros
      case .ones: .constant(0.5)
      }
    let layout: WeightLayout = isInputsByOutputs ? .inputsByOutputs : .outputsByInputs
    #expect(try initializer(method, storedAs: layout) == expected)
  }
}
