import LockstepModels
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepTraining
import Testing

/// Every architecture has rates as `optimizer.layer_decay` is documented, or the key is refused.
@Suite struct LayerDecayTests {
  /// Networks of two blocks, by the kinds of what lies around the blocks.
  private static let networks = [
    "gpt": "layers: 2", "llama": "layers: 2, tie_embeddings: false",
    "qwen2": "layers: 2, tie_embeddings: false", "qwen3": "layers: 2, tie_embeddings: false",
    "bert": "layers: 2",
    "vit": "layers: 2, positions: learned", "mlp": "hidden: [4, 4]",
    "transformer": "encoder_layers: 2, decoder_layers: 2, tied: false, positions: learned",
  ]

  private func yaml(_ name: String, decay: Double) -> String {
    let keys = Self.networks[name].map { ", \($0)" } ?? ""
    let task =
      switch name {
      case "bert": "task: masked-language-modeling"
      case "transformer":
        "task: translation\ndata: {format: pairs, train_source: a, train_target: b, tokenizer: t}"
      case "vit", "mlp":
        "task: classification\n"
          + "data: {format: idx, train: a, train_labels: b, validation: c, validation_labels: d}"
      case "linear", "sine": "task: regression\ndata: {format: csv, train: a}"
      default: "task: language-modeling"
      }
    return "\(task)\nmodel: {architecture: \(name)\(keys)}\noptimizer: {layer_decay: \(decay)}"
  }

  private func network(of model: ModelConfiguration) throws -> any Module {
    switch model.role {
    case .language(let architecture): architecture.model(vocabularyCount: 9)
    case .maskedLanguage(let architecture): architecture.model(vocabularyCount: 9)
    case .encoder(let architecture): architecture.encoder(vocabularyCount: 9)
    case .sequenceToSequence(let architecture): architecture.model(vocabularyCount: 9)
    case .prediction(let architecture): try architecture.model(sampleShape: [28, 28], outputs: 3)
    }
  }

  private func rates(of module: some Module) -> [(name: String, rate: Double)] {
    ParameterStore(of: module).entries.map {
      OptimizedTensor(
        name: $0.name, shape: $0.shape.dimensions, range: $0.range, decays: $0.decays)
    }.decayed(perLayer: 0.5).map { ($0.name, $0.rate) }
  }

  @Test(arguments: ModelConfiguration.architectures.map { $0.name })
  func ratesGoByTheDistanceFromTheHeadOrTheKeyIsRefused(name: String) throws {
    #expect(problems(yaml(name, decay: 1)) == [])
    let isOneStack = !["transformer", "mlp", "linear", "sine"].contains(name)
    guard isOneStack else {
      return #expect(
        problems(yaml(name, decay: 0.5)).map { $0.contains("not one stack of blocks") } == [true])
    }
    let configuration = try RunConfiguration.parse(yaml: yaml(name, decay: 0.5), source: "test")
    let rates = try rates(of: network(of: configuration.model))
    let expected = rates.map { name, _ in
      // Of what is in a block, what lies before all blocks, and final norm and head.
      if name.contains(".0.") { return 0.25 }
      if name.contains(".1.") { return 0.5 }
      return ["emb", "wte", "wpe", "Positions"].contains(where: name.contains) ? 0.125 : 1
    }
    #expect(rates.map(\.rate) == expected, "\(rates)")
    #expect(Set(expected) == [0.125, 0.25, 0.5, 1])
  }
}
