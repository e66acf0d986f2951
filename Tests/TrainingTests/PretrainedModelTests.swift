import Foundation
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Small models as GGUF files, and what PyTorch computes with them: scripts/fixtures/pretrained_models.py.
enum PretrainedFixture {
  struct Expected: Decodable {
    let tokens: [Int32]
    let positions: Int
    let values: [Float]
  }

  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/PretrainedModels")

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func expected(_ name: String) throws -> Expected {
    try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: folder.appending(path: name + ".json")))
  }

  /// Logits of a model that continues texts, states of an encoder.
  static func values(of trained: TrainedModel, _ expected: Expected) throws -> [Float] {
    let count = expected.tokens.count / expected.positions
    let tokens = Indices(expected.tokens, shape: [count, expected.positions])
    return try trained.workspace.withoutRecording {
      if case .encoder(let model) = trained.model { return model.states(of: tokens).elements }
      return try trained.languageModel().logits(of: tokens).elements
    }
  }

  /// All parameters by their names.
  static func parameters(of trained: TrainedModel) -> [String: [UInt32]] {
    Dictionary(
      uniqueKeysWithValues: trained.model.module.namedParameters.map {
        ($0.name, $0.parameter.tensor.elements.map(\.bitPattern))
      })
  }

  static func requireClose(_ found: [Float], to expected: [Float], _ name: String) throws {
    try #require(found.count == expected.count)
    let scale = expected.map(abs).max() ?? 1
    let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference < 3e-6 * scale, "\(name): \(difference) of \(scale)")
  }
}

@Suite struct PretrainedModelTests {
  @Test(arguments: ["gpt2", "llama-llama3", "llama-linear", "qwen2", "qwen3", "bert"])
  func aGGUFFileIsTheModelThatItWasMadeFrom(name: String) throws {
    let expected = try PretrainedFixture.expected(name)
    let path = PretrainedFixture.path(name + ".gguf")
    let trained = try TrainedModel.open(path, in: Workspace())
    #expect(trained.path == path && trained.step == nil && trained.configuration == nil)
    try PretrainedFixture.requireClose(
      PretrainedFixture.values(of: trained, expected), to: expected.values, name)
  }

  @Test(arguments: ["llama-llama3", "llama-linear", "qwen2", "qwen3", "bert"])
  func aGGUFFileHasTheBitsOfTheDirectory(name: String) throws {
    let file = try TrainedModel.open(PretrainedFixture.path(name + ".gguf"), in: Workspace())
    let directory = try TrainedModel.open(PretrainedFixture.path(name), in: Workspace())
    #expect(PretrainedFixture.parameters(of: file) == PretrainedFixture.parameters(of: directory))
    let expected = try PretrainedFixture.expected(name)
    try PretrainedFixture.requireClose(
      PretrainedFixture.values(of: directory, expected), to: expected.values, name)
    #expect(
      ModelConfiguration(file.architecture).settingNode
        == ModelConfiguration(directory.architecture).settingNode)
  }

  @Test func aWindowBeyondTheContextIsNone() throws {
    let expected = try PretrainedFixture.expected("mistral")
    let trained = try TrainedModel.open(PretrainedFixture.path("mistral"), in: Workspace())
    #expect(trained.notices.isEmpty && trained.architecture.context == 64)
    try PretrainedFixture.requireClose(
      PretrainedFixture.values(of: trained, expected), to: expected.values, "mistral")
  }

  @Test func aWindowWithinTheContextLimitsIt() throws {
    let expected = try PretrainedFixture.expected("mistral-window")
    let path = PretrainedFixture.path("mistral-window")
    let trained = try TrainedModel.open(path, in: Workspace())
    #expect(trained.architecture.context == 12)
    #expect(
      trained.notices == [
        "\(path)/config.json: attention sees 12 tokens (sliding_window), so the context is 12 and not 64"
      ])
    try PretrainedFixture.requireClose(
      PretrainedFixture.values(of: trained, expected), to: expected.values, "mistral-window")
  }

  @Test func aDirectoryWithOneGGUFFileIsThatModel() throws {
    let folder = try TemporaryDirectory()
    let copy = folder.path + "/any name.gguf"
    try FileManager.default.copyItem(
      atPath: PretrainedFixture.path("qwen2.gguf"), toPath: copy)
    #expect(try TrainedModel.open(folder.path, in: Workspace()).path == copy)
    // A file of any name is one by its first bytes.
    let other = folder.path + "/blob"
    try FileManager.default.moveItem(atPath: copy, toPath: other)
    #expect(try TrainedModel.open(other, in: Workspace()).path == other)
    for name in ["a.gguf", "b.gguf"] { try folder.write(name, "GGUF") }
    #expect(throws: LoadingError.severalModels(path: folder.path, files: ["a.gguf", "b.gguf"])) {
      try TrainedModel.open(folder.path, in: Workspace())
    }
  }

  @Test func anEncoderDoesNothingElse() throws {
    let path = PretrainedFixture.path("bert.gguf")
    let trained = try TrainedModel.open(path, in: Workspace())
    #expect(trained.kind == .encoder)
    #expect(
      throws: LoadingError.otherModel(path: path, found: .encoder, expected: .language)
    ) { try trained.languageModel() }
  }
}

/// GGUF files that describe what can not be computed.
@Suite struct UnfitGGUFTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A fixture with other metadata and tensors.
  private func message(
    _ name: String, keys: [String: GGUFValue?] = [:],
    tensors change: (String, [Int], [Float]) -> [(String, [Int], [Float])] = { [($0, $1, $2)] }
  ) throws -> String {
    let reader = try GGUFReader(path: PretrainedFixture.path(name + ".gguf"))
    var metadata = reader.metadata
    for (key, value) in keys { metadata[key] = value }
    var set = TensorSet()
    for tensor in reader.tensors {
      var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
      try values.withUnsafeMutableBufferPointer {
        try reader.read(tensor.name, shape: tensor.shape, into: $0)
      }
      for (name, shape, values) in change(tensor.name, tensor.shape, values) {
        set.add(name, shape) { values[$0] }
      }
    }
    let path = folder.path + "/changed.gguf"
    try GGUFWriter.write(
      set.views.map { OutgoingTensor($0.name, $0, type: .float32) },
      metadata: metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: path)
    do {
      _ = try TrainedModel.open(path, in: Workspace())
      return "opened"
    } catch {
      #expect(ExitCode(of: error) == .usage)
      let text = "\(error)"
      #expect(text.hasPrefix(path + ": ") && !text.contains("\n"), "\(text)")
      return text
    }
  }

  @Test func theFixtureItselfOpens() throws {
    #expect(try message("llama-llama3") == "opened")
  }

  @Test func otherNetworksAreRefusedByName() throws {
    #expect(
      try message("qwen2", keys: ["general.architecture": .text("mamba")])
        .hasSuffix(
          "general.architecture is mamba; gpt2, llama, qwen2, qwen3 and bert are supported"))
    #expect(
      try message("qwen2", keys: ["general.architecture": nil]).contains("is missing"))
    #expect(
      try message("qwen2", keys: ["general.type": .text("adapter")])
        .contains("general.type is adapter"))
    #expect(try message("qwen2", keys: ["split.count": .uint32(3)]).contains("one of 3 parts"))
  }

  static let refused: [(String, String, GGUFValue?, String)] = [
    ("llama-llama3", "llama.expert_count", .uint32(8), "expert_count 8 is not 0"),
    ("llama-llama3", "llama.attention.scale", .float32(2), "attention.scale 2.0 is unknown"),
    ("llama-llama3", "llama.rope.dimension_count", .uint32(4), "rope.dimension_count 4"),
    ("llama-llama3", "llama.block_count", nil, "block_count is missing"),
    ("llama-llama3", "llama.attention.head_count", .uint32(7), "attention.head_count: found 7"),
    ("llama-llama3", "llama.vocab_size", .uint32(47), "[48, 32], expected [47, 32]"),
    ("llama-llama3", "llama.block_count", .uint32(1), "no parameter for 'model.layers.1."),
    ("llama-llama3", "llama.block_count", .uint32(3), "no tensor for 'model.layers.2."),
    ("llama-llama3", "llama.rope.freq_base", .float32(500), "Llama 3's formula"),
    ("llama-linear", "llama.rope.scaling.type", .text("yarn"), "rope.scaling.type yarn is not"),
    ("llama-linear", "llama.rope.scaling.factor", .float32(0.5), "rope_scaling.factor: found 0.5"),
    ("qwen2", "qwen2.attention.key_length", .uint32(9), "attention.key_length 9"),
    ("qwen3", "qwen3.context_length", .text("many"), "context_length: found \"many\""),
    ("gpt2", "gpt2.feed_forward_length", .uint32(64), "feed_forward_length 64"),
    ("bert", "bert.attention.causal", .bool(true), "attention.causal true is not false"),
  ]

  @Test(arguments: refused.indices)
  func whatWouldChangeTheComputationIsRefusedByName(index: Int) throws {
    let (name, key, value, expected) = Self.refused[index]
    let found = try message(name, keys: [key: value])
    #expect(found.contains(expected), "\(found)")
  }

  @Test func tensorsOfOtherShapesAreNamed() throws {
    let found = try message("llama-llama3") { name, shape, values in
      [(name, name == "blk.1.ffn_up.weight" ? shape.reversed() : shape, values)]
    }
    #expect(
      found.hasSuffix(
        "other shapes: 'model.layers.1.mlp.up_proj.weight' [32, 64], expected [64, 32]"), "\(found)"
    )
  }

  @Test func tensorsLeftOverOrMissingAreNamed() throws {
    let more = try message("llama-llama3") { name, shape, values in
      [(name, shape, values)]
        + (name == "blk.0.attn_q.weight" ? [("blk.0.gate", [2], [1, 2])] : [])
    }
    #expect(more.hasSuffix("no parameter for 'blk.0.gate'"), "\(more)")
    let less = try message("llama-llama3") { name, shape, values in
      name == "blk.0.attn_q.weight" ? [] : [(name, shape, values)]
    }
    #expect(less.hasSuffix("no tensor for 'model.layers.0.self_attn.q_proj.weight'"), "\(less)")
    // A name that only a directory has does not stand for the tensor.
    let twice = try message("llama-llama3") { name, shape, values in
      [(name, shape, values)]
        + (name == "token_embd.weight" ? [("model.embed_tokens.weight", shape, values)] : [])
    }
    #expect(twice.contains("no parameter for"), "\(twice)")
  }

  @Test func moreTokensThanRowsAreRefused() throws {
    let tokens = (["[UNK]", "[CLS]", "[SEP]"] + (0..<50).map { "\u{2581}w\($0)" }).map {
      Array($0.utf8)
    }
    let found = try message(
      "bert",
      keys: [
        "tokenizer.ggml.model": .text("bert"), "tokenizer.ggml.tokens": .texts(tokens),
        "tokenizer.ggml.token_type": .int32s(tokens.indices.map { $0 < 3 ? 3 : 1 }),
        "tokenizer.ggml.unknown_token_id": .uint32(0), "tokenizer.ggml.cls_token_id": .uint32(1),
        "tokenizer.ggml.seperator_token_id": .uint32(2),
        "tokenizer.ggml.normalizer.lowercase": .bool(true),
      ])
    #expect(found.hasSuffix("has 53 tokens, the model beside it only 48"), "\(found)")
    let broken = try message("bert", keys: ["tokenizer.ggml.model": .uint32(3)])
    #expect(broken.contains("tokenizer.ggml.model is a value of type uint32"), "\(broken)")
  }

  @Test func rotaryFactorsOfAModelThatHasNoneAreNamed() throws {
    let found = try message("qwen2") { name, shape, values in
      [(name, shape, values)]
        + (name == "output_norm.weight" ? [("rope_freqs.weight", [4], [1, 1, 2, 2])] : [])
    }
    #expect(found.contains("rope_freqs.weight"), "\(found)")
  }
}
