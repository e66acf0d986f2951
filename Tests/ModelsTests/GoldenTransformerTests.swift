import Foundation
import LockstepModels
import LockstepTensors
import LockstepWeights
import Testing

/// The encoder-decoder Transformer against PyTorch's layers: see scripts/fixtures/transformer.py.
@Suite struct GoldenTransformerTests {
  private static func configuration(_ name: String) -> TransformerConfiguration {
    var configuration = TransformerConfiguration.small()
    configuration.context = 9
    if name == "post" {
      configuration.norm = .post
      configuration.activation = .gelu
      configuration.positions = .learned
      configuration.tied = false
    }
    return configuration
  }

  @Test(arguments: ["pre", "post"])
  func logitsLossAndEveryGradientEqualThoseOfPyTorch(name: String) throws {
    let folder = try #require(Bundle.module.resourceURL)
    let fixture = try SafetensorsReader(
      path: folder.appending(path: "Fixtures/transformer/\(name).safetensors").path)
    let bound = BoundModel(Transformer(Self.configuration(name), vocabularyCount: 23))
    #expect(
      Set(bound.store.entries.map { "weights." + $0.name })
        == Set(fixture.entries.map(\.name).filter { $0.hasPrefix("weights.") }))
    for entry in bound.store.entries {
      let elements = try fixture.floats("weights." + entry.name)
      try #require(fixture.entry(named: "weights." + entry.name)?.shape == entry.shape.dimensions)
      _ = UnsafeMutableBufferPointer(rebasing: bound.values[entry.range]).update(from: elements)
    }
    func indices(_ name: String, _ shape: Shape) throws -> Indices {
      Indices(try fixture.floats(name).map { Int32($0) }, shape: shape)
    }
    let source = try indices("source", [3, 6])
    let lengths = try fixture.floats("lengths").map { Int($0) }
    let inputs = try indices("inputs", [3, 5])
    let targets = try indices("targets", [3, 5])
    let model = bound.model
    func loss(_ smoothing: Float) -> Tensor {
      model.loss(
        source: source, lengths: lengths, inputs: inputs, targets: targets,
        labelSmoothing: smoothing)
    }
    let logits = model.logits(of: inputs, given: model.encode(source: source, lengths: lengths))
    #expect(try error(of: logits.elements, from: fixture.floats("logits")) < 1e-5)
    #expect(try error(of: [loss(0).item], from: fixture.floats("loss")) < 1e-6)
    let smoothed = bound.withGradient { loss(0.1) }
    #expect(try error(of: [smoothed], from: fixture.floats("smoothed")) < 1e-6)
    // A bias of the keys shifts all scores of a query alike: its gradient is zero but for rounding.
    for entry in bound.store.entries where !entry.name.hasSuffix("k_proj.bias") {
      let expected = try fixture.floats("gradient." + entry.name)
      #expect(error(of: Array(bound.gradient[entry.range]), from: expected) < 2e-5, "\(entry.name)")
    }
  }

  /// The largest difference, relative to the largest magnitude of what is expected.
  private func error(of actual: [Float], from expected: [Float]) -> Double {
    let largest = expected.map { Double(abs($0)) }.max() ?? 0
    return (zip(actual, expected).map { abs(Double($0) - Double($1)) }.max() ?? .infinity) / largest
  }
}

extension TransformerConfiguration {
  /// Two blocks each, of 3 heads and width 12.
  static func small(dropout: Double = 0) -> TransformerConfiguration {
    var configuration = TransformerConfiguration()
    (configuration.encoderLayers, configuration.decoderLayers) = (2, 2)
    (configuration.heads, configuration.width, configuration.feedForward) = (3, 12, 20)
    (configuration.context, configuration.dropout) = (24, dropout)
    return configuration
  }
}
