import Foundation
import LockstepExplanations
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights
import Testing

/// What is found inside networks against PyTorch: see scripts/fixtures/explanations.py.
@Suite struct GoldenInspectionTests {
  /// What PyTorch found.
  private func expected(_ name: String) throws -> SafetensorsReader {
    let folder = try #require(Bundle.module.resourceURL)
    return try SafetensorsReader(path: folder.appending(path: "Fixtures/\(name)").path)
  }

  /// The weights are the fixtures of the models.
  private func weights(_ name: String) throws -> SafetensorsReader {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    return try SafetensorsReader(
      path: tests.appending(path: "ModelsTests/Fixtures/\(name).safetensors").path)
  }

  private func gpt(recompute: Bool = false) throws -> FilledModel<GPT> {
    var configuration = GPTConfiguration()
    configuration.layers = 2
    configuration.heads = 4
    configuration.width = 32
    configuration.context = 24
    configuration.recompute = recompute
    return try FilledModel(
      GPT(configuration, vocabularyCount: 97), from: weights("gpt2/weights"))
  }

  /// The largest difference, relative to the largest magnitude of what is expected.
  private func error(of actual: [Double], from expected: [Float]) throws -> Double {
    try #require(actual.count == expected.count)
    let largest = expected.map { Double(abs($0)) }.max() ?? 0
    return (zip(actual, expected).map { abs($0 - Double($1)) }.max() ?? .infinity) / largest
  }

  private func error(of actual: [Float], from expected: [Float]) throws -> Double {
    try error(of: actual.map(Double.init), from: expected)
  }

  @Test(arguments: [false, true])
  func insideGPT2EverythingEqualsPyTorch(recompute: Bool) throws {
    try expectAgreement(of: try gpt(recompute: recompute), with: "gpt2.safetensors")
  }

  @Test func insideLlamaEverythingEqualsPyTorch() throws {
    var configuration = LlamaConfiguration()
    configuration.layers = 2
    configuration.heads = 4
    configuration.keyValueHeads = 2
    configuration.width = 32
    configuration.feedForward = 44
    configuration.context = 24
    configuration.ropeTheta = 300
    configuration.normEpsilon = 1e-3
    configuration.tieEmbeddings = false
    let filled = try FilledModel(
      Llama(configuration, vocabularyCount: 97), from: weights("llama/model"))
    try expectAgreement(of: filled, with: "llama.safetensors")
  }

  /// A model of two blocks with four heads.
  private func expectAgreement(
    of filled: FilledModel<some LanguageModel & LayeredModel>, with name: String
  ) throws {
    try expectAgreement(with: name) { tokens, position, target in
      try TokenInspection(of: filled.model, tokens: tokens, position: position, target: target)
    }
  }

  @Test func insideBERTEverythingEqualsPyTorch() throws {
    var configuration = BERTConfiguration()
    configuration.layers = 2
    configuration.heads = 4
    configuration.width = 32
    configuration.feedForward = 44
    configuration.context = 24
    configuration.normEpsilon = 1e-3
    let filled = try FilledModel(
      BERT(configuration, vocabularyCount: 97), from: weights("bert/model"))
    try expectAgreement(with: "bert.safetensors") { tokens, position, target in
      try TokenInspection(of: filled.model, tokens: tokens, position: position, target: target)
    }
  }

  private func expectAgreement(
    with name: String,
    inspect: (_ tokens: [Int32], _ position: Int, _ target: Int32) throws -> TokenInspection
  ) throws {
    let fixture = try expected(name)
    let inspection = try inspect(
      try fixture.floats("tokens").map { Int32($0) }, Int(try fixture.floats("position")[0]),
      Int32(try fixture.floats("target")[0]))
    #expect(
      inspection.recorder.attention.map(\.name) == ["block 0 attention", "block 1 attention"])
    for (layer, attention) in inspection.recorder.attention.enumerated() {
      #expect(attention.probabilities.shape == [1, 4, 19, 19])
      #expect(
        try error(
          of: attention.probabilities.elements, from: fixture.floats("attention.\(layer)")) < 1e-5)
    }
    var names: [String] = []
    try inspection.forEachReadout { name, logits in
      let expected = try fixture.floats("lens.\(names.count)")
      #expect(try error(of: logits.elements, from: expected) < 2e-5)
      names.append(name)
    }
    #expect(names == ["embedding", "block 0", "block 1"])
    let logits = try fixture.floats("lens.2")
    let logit = logits[inspection.position * 97 + Int(inspection.target)]
    #expect(abs(inspection.logit - logit) < 1e-5)
    #expect(
      try error(of: inspection.attribution, from: fixture.floats("attribution")) < 1e-4)
  }

  @Test func theLastPositionsLikeliestTokenIsExplainedByDefault() throws {
    let fixture = try expected("gpt2.safetensors")
    let tokens = try fixture.floats("tokens").map { Int32($0) }
    let filled = try gpt()
    let inspection = try TokenInspection(of: filled.model, tokens: tokens)
    let last = try fixture.floats("lens.2").suffix(97)
    #expect(inspection.position == 18)
    #expect(last[last.startIndex + Int(inspection.target)] == last.max())
  }

  @Test func insideTheEncoderDecoderEverythingEqualsPyTorch() throws {
    let fixture = try expected("transformer.safetensors")
    var configuration = TransformerConfiguration()
    configuration.encoderLayers = 2
    configuration.decoderLayers = 2
    configuration.heads = 3
    configuration.width = 12
    configuration.feedForward = 20
    configuration.context = 9
    let source = try weights("transformer/pre")
    let filled = try FilledModel(
      Transformer(configuration, vocabularyCount: 23), from: source, prefix: "weights.")
    func tokens(_ name: String, _ count: Int) throws -> [Int32] {
      try source.floats(name).prefix(count).map { Int32($0) }
    }
    let inspection = try TokenInspection(
      of: filled.model, source: try tokens("source", 6), tokens: try tokens("inputs", 5),
      position: Int(try fixture.floats("position")[0]),
      target: Int32(try fixture.floats("target")[0]))
    let maps = inspection.recorder.attention
    let expectedNames = ["encoder.0", "encoder.1", "decoder.0", "cross.0", "decoder.1", "cross.1"]
    try #require(maps.count == expectedNames.count)
    for (map, name) in zip(maps, expectedNames) {
      #expect(
        try error(of: map.probabilities.elements, from: fixture.floats(name)) < 1e-5, "\(name)")
    }
    var names: [String] = []
    try inspection.forEachReadout { name, logits in
      let expected = try fixture.floats("lens.\(names.count)")
      #expect(try error(of: logits.elements, from: expected) < 2e-5)
      names.append(name)
    }
    #expect(names == ["embedding", "decoder block 0", "decoder block 1"])
    #expect(
      try error(of: inspection.attribution, from: fixture.floats("attribution.target")) < 1e-4)
    #expect(
      try error(of: inspection.sourceAttribution, from: fixture.floats("attribution.source"))
        < 1e-4)
  }

  @Test func insideTheVisionTransformerEverythingEqualsPyTorch() throws {
    let fixture = try expected("vit.safetensors")
    var configuration = VisionTransformerConfiguration()
    configuration.patch = 4
    configuration.layers = 2
    configuration.heads = 3
    configuration.width = 12
    let source = try weights("predictors/vit-learned")
    let filled = try FilledModel(
      VisionTransformer(configuration, sampleShape: [8, 8], outputs: 3), from: source,
      prefix: "weights.")
    let inspection = try SampleInspection(
      of: filled.model, sample: Array(try source.floats("samples")[128..<192]), shape: [1, 8, 8],
      in: filled.workspace)
    #expect(inspection.target == Int(try fixture.floats("target")[0]))
    #expect(
      try error(of: inspection.attribution, from: fixture.floats("attribution")) < 1e-4)
    #expect(inspection.recorder.attention.count == 2)
    for (layer, attention) in inspection.recorder.attention.enumerated() {
      #expect(
        try error(
          of: attention.probabilities.elements, from: fixture.floats("attention.\(layer)")) < 1e-5)
    }
    #expect(inspection.readouts.map(\.name) == ["embedding", "block 0", "block 1"])
    for (place, readout) in inspection.readouts.enumerated() {
      #expect(try error(of: readout.scores, from: fixture.floats("lens.\(place)")) < 2e-5)
    }
    #expect(inspection.readouts.last?.scores == inspection.scores)
    let rollout = AttentionRollout(inspection.recorder.attention.map(\.probabilities))
    #expect(try error(of: rollout.rows.flatMap { $0 }, from: fixture.floats("rollout")) < 1e-5)
    #expect(abs(rollout.mean.reduce(0, +) - 1) < 1e-6)
  }

  @Test func ofThePerceptronTheAttributionEqualsPyTorchs() throws {
    let fixture = try expected("mlp.safetensors")
    let filled = try FilledModel(
      MultilayerPerceptron(
        MLPConfiguration(hidden: [9, 7], activation: .tanh), features: 64, outputs: 3),
      from: weights("predictors/mlp"), prefix: "weights.")
    let inspection = try SampleInspection(
      of: filled.model, sample: try fixture.floats("sample"), shape: [1, 8, 8],
      in: filled.workspace)
    #expect(inspection.target == Int(try fixture.floats("target")[0]))
    #expect(
      try error(of: inspection.attribution, from: fixture.floats("attribution")) < 1e-4)
    #expect(inspection.readouts.isEmpty && inspection.recorder.attention.isEmpty)
  }

  @Test func ofALinearModelTheAttributionsAddUpToTheScore() throws {
    let filled = FilledModel(LinearPredictor(features: 3, outputs: 2)) { _, count in
      count == 6 ? [1, 2, 3, -1, 0.5, 4] : [10, 20]
    }
    let inspection = try SampleInspection(
      of: filled.model, sample: [2, -1, 0.5], shape: [1, 3], target: 0, in: filled.workspace)
    #expect(inspection.attribution == [2, -2, 1.5])
    #expect(inspection.scores == [11.5, 19.5])
  }
}

/// A model whose parameters lie in memory of its own.
private final class FilledModel<Model: Module> {
  let model: Model
  let workspace = Workspace()

  /// - Parameter elements: Of the parameter of this name and count.
  init(_ model: Model, elements: (_ name: String, _ count: Int) throws -> [Float]) rethrows {
    self.model = model
    let store = ParameterStore(of: model)
    let values = FloatMemory(count: store.flatCount)
    store.bind(to: values, in: workspace)
    for entry in store.entries {
      let read = try elements(entry.name, entry.range.count)
      _ = UnsafeMutableBufferPointer(rebasing: values.elements[entry.range]).update(from: read)
    }
  }

  convenience init(_ model: Model, from file: SafetensorsReader, prefix: String = "") throws {
    try self.init(model) { name, _ in try file.floats(prefix + name) }
  }
}
