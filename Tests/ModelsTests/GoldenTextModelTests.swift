import Foundation
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights
import Testing

/// What scripts/fixtures/text_models.py wrote: a small random model as `transformers` saves it, and
/// what PyTorch computes with it.
struct TextModelFixture {
  struct Batch: Decodable {
    let sequences: Int
    let positions: Int
    let tokens: [Int32]
    let targets: [Int32]
    let smoothing: Float
    let loss: Double
  }

  let configuration: ModelConfiguration
  let weights: SafetensorsReader
  let expected: SafetensorsReader
  let batch: Batch

  /// - Parameter name: The fixture's folder.
  init(_ name: String) throws {
    let folder = try #require(Bundle.module.resourceURL?.appending(path: "Fixtures/\(name)"))
    let configurationURL = folder.appending(path: "config.json")
    configuration = try ModelConfiguration(
      huggingFaceJSON: Array(Data(contentsOf: configurationURL)), path: configurationURL.path)
    weights = try SafetensorsReader(path: folder.appending(path: "model.safetensors").path)
    expected = try SafetensorsReader(path: folder.appending(path: "expected.safetensors").path)
    batch = try JSONDecoder().decode(
      Batch.self, from: Data(contentsOf: folder.appending(path: "batch.json")))
  }

  var tokens: Indices { Indices(batch.tokens, shape: [batch.sequences, batch.positions]) }
  var targets: Indices { Indices(batch.targets, shape: [batch.sequences, batch.positions]) }

  /// A model with the fixture's weights, which have its parameters' names and shapes.
  func bound<Model: Module>(_ model: Model) throws -> BoundModel<Model> {
    let bound = BoundModel(model)
    #expect(Set(bound.store.entries.map(\.name)) == Set(weights.entries.map(\.name)))
    for entry in bound.store.entries {
      #expect(weights.entry(named: entry.name)?.shape == entry.shape.dimensions)
      let elements = try weights.floats(entry.name)
      try #require(elements.count == entry.range.count)
      _ = UnsafeMutableBufferPointer(rebasing: bound.values[entry.range]).update(from: elements)
    }
    return bound
  }

  /// Compares a loss and its gradient, by the parameters' names, with PyTorch's.
  func expectLossAndGradients<Model: Module>(
    _ bound: BoundModel<Model>, _ loss: () -> Tensor
  ) throws {
    let loss = Double(bound.withGradient(loss))
    #expect(abs(loss - batch.loss) < 1e-5 * batch.loss)
    for entry in bound.store.entries {
      let exact = try expected.floats("gradient." + entry.name)
      // The softmax of a query does not see what all of its scores have in common: the gradient of a
      // bias of keys is zero but for rounding.
      let scale = entry.name.hasSuffix("key.bias") ? 1 : Self.largest(exact)
      #expect(
        Self.difference(bound.gradient[entry.range], exact) < 1e-5 * scale, "\(entry.name)")
    }
  }

  static func largest(_ values: [Float]) -> Double {
    values.map { Double(abs($0)) }.max() ?? 0
  }

  static func difference(_ actual: some Sequence<Float>, _ expected: [Float]) -> Double {
    zip(actual, expected).map { abs(Double($0) - Double($1)) }.max() ?? .infinity
  }
}

@Suite struct GoldenTextModelTests {
  @Test(arguments: [("llama", 300.0, 8, false), ("qwen2", 500, 8, true), ("qwen3", 500, 12, false)])
  func decodersComputeWhatPyTorchComputes(
    name: String, ropeTheta: Double, headWidth: Int, tied: Bool
  ) throws {
    let fixture = try TextModelFixture(name)
    let configuration = fixture.configuration
    let model = try #require(configuration.languageModel(vocabularyCount: 0) as? Llama)
    #expect(type(of: model.configuration).name == name && model.configuration.keyValueHeads == 2)
    #expect(model.configuration.ropeTheta == ropeTheta)
    #expect(model.configuration.headWidth == headWidth)
    #expect(model.configuration.tieEmbeddings == tied && model.configuration.normEpsilon == 1e-3)
    let bound = try fixture.bound(model)
    let logits = try fixture.expected.floats("logits")
    let found = model.logits(of: fixture.tokens).elements
    #expect(
      TextModelFixture.difference(found, logits) < 1e-5 * TextModelFixture.largest(logits))
    try fixture.expectLossAndGradients(bound) {
      model.loss(
        of: fixture.tokens, targets: fixture.targets, labelSmoothing: fixture.batch.smoothing)
    }
  }

  @Test func bertComputesWhatPyTorchComputes() throws {
    let fixture = try TextModelFixture("bert")
    let configuration = fixture.configuration
    let model = try #require(configuration.maskedLanguageModel(vocabularyCount: 0) as? BERT)
    #expect(model.configuration.tokenTypes == 2 && model.configuration.normEpsilon == 1e-3)
    let bound = try fixture.bound(model)
    let logits = try fixture.expected.floats("logits")
    let shape = fixture.tokens.shape
    let everywhere = PredictedPositions(
      Indices([Int32](repeating: 0, count: shape.count), shape: shape))
    let found = model.logits(
      ofHeadStates: model.headStates(of: fixture.tokens, at: everywhere)
    ).elements
    #expect(
      TextModelFixture.difference(found, logits) < 1e-5 * TextModelFixture.largest(logits))
    // With and without rows that stand there for a steady shape.
    for count in [1, 40] {
      let positions = PredictedPositions(fixture.targets, count: count)
      #expect(positions.targets.elements.count >= count)
      try fixture.expectLossAndGradients(bound) {
        model.loss(
          ofHeadStates: model.headStates(of: fixture.tokens, at: positions), at: positions,
          labelSmoothing: fixture.batch.smoothing)
      }
    }
  }

  @Test(arguments: ["llama", "qwen2", "qwen3", "bert"])
  func configurationsSurviveTheWayThere(name: String) throws {
    let fixture = try TextModelFixture(name)
    let json = try #require(
      try fixture.configuration.huggingFaceJSON(vocabularyCount: 97, endOfText: nil))
    let again = try ModelConfiguration(huggingFaceJSON: json, path: "config.json")
    #expect(again == fixture.configuration)
  }
}
