import Foundation
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights
import Testing

/// The predictors against PyTorch: see scripts/fixtures/predictors.py.
@Suite struct GoldenPredictorTests {
  private static func vision(_ positions: PositionKind) -> any Predictor {
    var configuration = VisionTransformerConfiguration()
    configuration.patch = 4
    configuration.layers = 2
    configuration.heads = 3
    configuration.width = 12
    configuration.positions = positions
    return VisionTransformer(configuration, sampleShape: [8, 8], outputs: 3)
  }

  private static func model(_ name: String) -> any Predictor {
    switch name {
    case "vit-learned": vision(.learned)
    case "vit-sinusoidal": vision(.sinusoidal)
    default:
      MultilayerPerceptron(
        MLPConfiguration(hidden: [9, 7], activation: .tanh), features: 64, outputs: 3)
    }
  }

  @Test(arguments: ["mlp", "vit-learned", "vit-sinusoidal"])
  func outputsAndEveryGradientEqualThoseOfPyTorch(name: String) throws {
    let folder = try #require(Bundle.module.resourceURL)
    let fixture = try SafetensorsReader(
      path: folder.appending(path: "Fixtures/predictors/\(name).safetensors").path)
    try compare(Self.model(name), with: fixture)
  }

  private func compare(_ model: some Predictor, with fixture: SafetensorsReader) throws {
    let bound = BoundModel(model)
    #expect(
      Set(bound.store.entries.map { "weights." + $0.name })
        == Set(fixture.entries.map(\.name).filter { $0.hasPrefix("weights.") }))
    for entry in bound.store.entries {
      let elements = try fixture.floats("weights." + entry.name)
      try #require(fixture.entry(named: "weights." + entry.name)?.shape == entry.shape.dimensions)
      _ = UnsafeMutableBufferPointer(rebasing: bound.values[entry.range]).update(from: elements)
    }
    let samples = Tensor(
      try fixture.floats("samples"), shape: [4, 8, 8], in: bound.workspace)
    var outputs: [Float] = []
    _ = bound.withGradient {
      let result = bound.model.outputs(of: samples)
      outputs = result.elements
      return (result * result).sum()
    }
    #expect(try error(of: outputs, from: fixture.floats("outputs")) < 1e-5)
    for entry in bound.store.entries {
      var actual = Array(bound.gradient[entry.range])
      var expected = try fixture.floats("gradient." + entry.name)
      if entry.name.hasSuffix("queriesKeysValues.bias") {
        // A bias of the keys shifts all scores of a query alike: its gradient is zero but for
        // rounding.
        actual.removeSubrange(12..<24)
        expected.removeSubrange(12..<24)
      }
      #expect(error(of: actual, from: expected) < 2e-5, "\(entry.name)")
    }
  }

  /// The largest difference, relative to the largest magnitude of what is expected.
  private func error(of actual: [Float], from expected: [Float]) -> Double {
    let largest = expected.map { Double(abs($0)) }.max() ?? 0
    return (zip(actual, expected).map { abs(Double($0) - Double($1)) }.max() ?? .infinity) / largest
  }

  @Test func linearRegressionAndTheSineFollowTheirFormulas() throws {
    let line = BoundModel(LinearPredictor(features: 2, outputs: 1))
    for (index, value) in [2, -3].enumerated() { line.values[index] = Float(value) }
    let bias = try #require(line.store.entries.last)
    line.values[bias.range.lowerBound] = 0.5
    let points = Tensor([1, 1, 4, 2], shape: [2, 2], in: line.workspace)
    #expect(line.model.outputs(of: points).elements == [-0.5, 2.5])

    let sine = BoundModel(SineWave())
    sine.values[0] = 3
    let angles = Tensor([0, .pi / 2, -.pi / 6], shape: [3, 1], in: sine.workspace)
    for (value, expected) in zip(sine.model.outputs(of: angles).elements, [0, 3, -1.5] as [Float]) {
      #expect(abs(value - expected) < 1e-6)
    }
  }

  @Test func samplesThatDoNotFitAreRefused() throws {
    #expect(throws: SampleShapeError.self) {
      try ModelConfiguration(SineConfiguration()).predictor(sampleShape: [2], outputs: 1)
    }
    var vit = VisionTransformerConfiguration()
    vit.patch = 5
    #expect(throws: SampleShapeError.self) {
      try ModelConfiguration(vit).predictor(sampleShape: [28, 28], outputs: 10)
    }
    #expect(throws: SampleShapeError.self) {
      try ModelConfiguration(vit).predictor(sampleShape: [25], outputs: 10)
    }
    #expect(
      try ModelConfiguration(LinearConfiguration()).predictor(sampleShape: [4], outputs: 2) != nil)
    #expect(try ModelConfiguration().predictor(sampleShape: [4], outputs: 2) == nil)
    #expect(ModelConfiguration(LinearConfiguration()).languageModel(vocabularyCount: 4) == nil)
  }
}
