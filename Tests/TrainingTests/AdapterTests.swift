import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Runs that begin with weights of others, whole or with an adapter. scripts/check_adapters.py compares
/// training with peft's.
@Suite struct AdapterTests {
  private let folder: TemporaryFolder
  private static let models = TrainedModelTests.fixtures

  init() throws { folder = try TemporaryFolder() }

  private static func path(_ name: String) -> String { models.appending(path: name).path }

  /// A configuration as a user writes it, with random tokens below 29 to learn from.
  private func configuration(
    from name: String, _ further: [String] = [], steps: Int = 4
  ) throws -> RunConfiguration {
    let data = folder.path + "/train.bin"
    if !FileManager.default.fileExists(atPath: data) {
      var generator = SeededGenerator(seed: 4)
      let writer = try TokenFileWriter(path: data, vocabularyCount: 29)
      try writer.append((0..<400).map { _ in Int32.random(in: 0..<29, using: &generator) })
      try writer.finish()
    }
    let settings = [
      "data.train=\(data)", "data.validation=null", "data.tokenizer=null",
      "model.from=\(Self.path(name))", "batch.sequences=2", "batch.microbatches=4",
      "schedule.name=constant", "schedule.warmup_steps=0", "steps=\(steps)", "evaluate.every=0",
      "optimizer.learning_rate=0.01",
    ]
    return try .parse(yaml: "{}", source: "test", overrides: settings + further)
  }

  private static let lora = [
    "adapter.name=lora", "adapter.rank=2", "adapter.targets=[q_proj, v_proj]",
  ]

  @Test func aRunBeginsWithTheWeightsThatItNames() throws {
    let configuration = try configuration(
      from: "llama-tied", ["model.context=8", "optimizer.learning_rate=1e-30"], steps: 1)
    #expect(
      configuration.model.summary.hasPrefix("llama, 2 layers") && configuration.model.context == 8)
    #expect(try folder.train(configuration, in: "run").changed == [])
    let expected = try SafetensorsReader(path: Self.path("llama-tied") + "/model.safetensors")
    let checkpoint = folder.path + "/run/checkpoints/step-00000001/model.safetensors"
    let found = try SafetensorsReader(path: checkpoint)
    for tensor in found.tensors {
      #expect(try found.floats(tensor.name) == expected.floats(tensor.name))
    }
    #expect(!found.tensors.isEmpty)
  }

  @Test func ofLearnedPositionsTheFirstAreTaken() throws {
    let configuration = try configuration(
      from: "gpt2-float32", ["model.context=5", "optimizer.learning_rate=1e-30"], steps: 1)
    _ = try folder.train(configuration, in: "run")
    let name = "transformer.wpe.weight"
    let whole = try SafetensorsReader(path: Self.path("gpt2-float32") + "/model.safetensors")
    let found = try SafetensorsReader(
      path: folder.path + "/run/checkpoints/step-00000001/model.safetensors")
    #expect(try found.floats(name) == Array(whole.floats(name).prefix(5 * 8)))
  }

  @Test func anAdapterAloneIsTrainedAndSavedWithTheSameBitsOnAnyNumberOfRanks() throws {
    let configuration = try configuration(from: "llama-tied", Self.lora)
    let outcomes = try [1, 2, 3, 4].map {
      try folder.train(configuration, ranks: $0, in: "run\($0)")
    }
    #expect(Set(outcomes.map(\.hash)).count == 1)
    for outcome in outcomes {
      #expect(outcome.changed.count == 8 && outcome.changed.allSatisfy { $0.contains("lora_") })
      #expect(outcome.trainedCount == 2 * (2 * (8 + 8) + 2 * (8 + 4)))
    }
    let checkpoint = folder.path + "/run1/checkpoints/step-00000004"
    let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint)
    #expect(names.contains("adapter_model.safetensors") && names.contains("adapter_config.json"))
    #expect(!names.contains("model.safetensors") && !names.contains("config.json"))
    let saved = try SafetensorsReader(path: checkpoint + "/adapter_model.safetensors")
    #expect(
      saved.tensors.allSatisfy { $0.name.hasPrefix("base_model.model.model.layers.") }
        && saved.tensors.count == 8)
  }

  @Test(arguments: ["lora", "rslora", "dora"])
  func anAdapterThatIsResumedEndsWithTheSameBits(method: String) throws {
    let configuration = try configuration(
      from: "gpt2-float32",
      ["adapter.name=\(method)", "adapter.dropout=0.25", "adapter.rank=3"], steps: 6)
    let whole = try folder.train(configuration, in: "whole")
    _ = try folder.train(configuration, ranks: 2, in: "parts", steps: 2)
    let resumed = try folder.train(configuration, ranks: 3, in: "parts", resume: true)
    #expect(resumed.hash == whole.hash)
  }

  @Test func whatIsFrozenStaysAndTheRestIsTrained() throws {
    let configuration = try configuration(
      from: "llama-tied", ["freeze=[model.embed_tokens.*, '*.layers.0.*']"])
    let outcomes = try [1, 3].map { try folder.train(configuration, ranks: $0) }
    #expect(outcomes[0] == outcomes[1])
    let changed = outcomes[0].changed
    #expect(
      changed.count == 10
        && changed.allSatisfy { !$0.contains(".0.") && $0 != "model.embed_tokens.weight" })
  }

  @Test func anAdaptedRunIsAModelLikeAnyOther() throws {
    _ = try folder.train(configuration(from: "llama-tied", Self.lora), in: "run")
    func logits(_ path: String) throws -> [Float] {
      let trained = try TrainedModel.open(path, in: Workspace())
      let tokens = Indices([1, 5, 2, 8], shape: [1, 4])
      return try trained.workspace.withoutRecording {
        try trained.languageModel().logits(of: tokens).elements
      }
    }
    let adapted = try logits(folder.path + "/run")
    #expect(try logits(folder.path + "/run/checkpoints/step-00000004") == adapted)
    #expect(try logits(Self.path("llama-tied")) != adapted)
  }

  private struct Expected: Decodable {
    let tokens: [Int32]
    let positions: Int
    let logits: [String: [Float]]
  }

  /// scripts/fixtures/adapters.py.
  @Test(arguments: ["peft-lora", "peft-rslora", "peft-dora"])
  func anAdapterThatPeftSavedComputesTheSame(name: String) throws {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: Self.models.appending(path: "adapters.json")))
    let trained = try TrainedModel.open(Self.path(name), in: Workspace())
    let tokens = Indices(
      expected.tokens, shape: [expected.tokens.count / expected.positions, expected.positions])
    let found = try trained.workspace.withoutRecording {
      try trained.languageModel().logits(of: tokens).elements
    }
    let wanted = try #require(expected.logits[name])
    try #require(found.count == wanted.count)
    let scale = wanted.map(abs).max() ?? 1
    let difference = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference < 3e-6 * scale, "\(difference) of \(scale)")
  }

  @Test func aRunGoesOnFromAnAdapterOfPeft() throws {
    let configuration = try configuration(
      from: "llama-tied",
      Self.lora + [
        "adapter.alpha=6", "adapter.from=\(Self.path("peft-lora"))",
        "optimizer.learning_rate=1e-30",
      ], steps: 1)
    _ = try folder.train(configuration, in: "run")
    let found = try SafetensorsReader(
      path: folder.path + "/run/checkpoints/step-00000001/adapter_model.safetensors")
    let expected = try SafetensorsReader(
      path: Self.path("peft-lora") + "/adapter_model.safetensors")
    #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in found.tensors {
      #expect(try found.floats(tensor.name) == expected.floats(tensor.name))
    }
  }

  // MARK: - What does not fit

  private func problem(of settings: [String], from name: String = "llama-tied") -> String {
    do {
      _ = try folder.train(configuration(from: name, settings))
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    (
      ["adapter.name=lora", "adapter.targets=[query]"],
      "adapter.targets: the pattern query matches no linear layer; the model has q_proj, k_proj"
    ),
    (["freeze=[h.*]"], "freeze: the pattern h.* matches no parameter"),
    (["freeze=['*']"], "freeze: matches all parameters"),
    (["model.layers=3"], "model.layers: is 3, and there 2"),
    (["model.context=13"], "model.context: is 13, and there 12"),
    (
      ["adapter.name=lora", "freeze=['*.bias']"], "freeze: found [\"*.bias\"], expected no patterns"
    ),
    (["initialization=[{method: zeros}]"], "initialization"),
    (
      ["adapter.name=lora", "adapter.rank=2", "adapter.from=\(path("peft-rslora"))"],
      "and `adapter` says lora of rank 2"
    ),
    (["adapter.name=lora", "adapter.from=/nowhere"], "/nowhere/adapter_config.json"),
  ])
  func whatDoesNotFitIsNamed(settings: [String], message: String) {
    let found = problem(of: settings)
    #expect(found.contains(message), "\(found)")
  }

  @Test func weightsThatAreNotThereAreNamed() {
    let found = problem(of: [], from: "nothing")
    #expect(
      found.contains("model.from: ") && found.contains("nothing: no such run or checkpoint"),
      "\(found)")
  }

  @Test func anAdapterWithoutWeightsIsRefused() {
    let error = #expect(throws: (any Error).self) {
      try RunConfiguration.parse(yaml: "adapter: {name: lora}", source: "test")
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("because model.from is null"))
  }

  /// Puts other weights in the place of a model's.
  private func change(_ model: String, intoShards: Bool) throws {
    let file = model + "/model.safetensors"
    guard intoShards else {
      var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      bytes[bytes.count - 2] ^= 1
      return try bytes.write(to: URL(fileURLWithPath: file))
    }
    try FileManager.default.removeItem(atPath: file)
    let shards = Self.path("llama-shards")
    for name in try FileManager.default.contentsOfDirectory(atPath: shards) {
      try? FileManager.default.removeItem(atPath: model + "/" + name)
      try FileManager.default.copyItem(
        atPath: shards + "/" + name, toPath: model + "/" + name)
    }
  }

  /// A run with an adapter of a model, whose weights are others now.
  private func runWithChangedBase(
    intoShards: Bool
  ) throws -> (model: String, configuration: RunConfiguration) {
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("llama-tied"), toPath: copy)
    let configuration = try configuration(
      from: "llama-tied", Self.lora + ["model.from=\(copy)"])
    _ = try folder.train(configuration, in: "run", steps: 2)
    try change(copy, intoShards: intoShards)
    return (copy, configuration)
  }

  @Test(arguments: ["refuse", "accept"])
  func aRunDoesNotGoOnWithOtherWeights(policy: String) throws {
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("gpt2-float32"), toPath: copy)
    let configuration = try configuration(
      from: "gpt2-float32",
      [
        "model.from=\(copy)", "data.changed=\(policy)", "adapter.name=lora", "adapter.rank=2",
        "adapter.targets=[c_attn]",
      ])
    _ = try folder.train(configuration, in: "run", steps: 2)
    func requireRefusal(_ words: String) {
      let error = #expect(throws: (any Error).self) {
        try folder.train(configuration, in: "run", resume: true)
      }
      let found = "\(error as Any)"
      #expect(found.contains("model.from: \(copy) had") && found.contains(words), "\(found)")
      #expect(!found.contains("data.changed"), "\(found)")
    }
    let file = URL(fileURLWithPath: copy + "/model.safetensors")
    let bytes = try Data(contentsOf: file)
    var other = bytes
    other[other.count - 2] ^= 1
    try other.write(to: file)
    requireRefusal("bytes")
    try FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: Self.path("gpt2-shards"), toPath: copy)
    requireRefusal("3 files")
    try FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: Self.path("gpt2-float32"), toPath: copy)
    let whole = try folder.train(configuration, in: "whole")
    #expect(try folder.train(configuration, in: "run", resume: true).hash == whole.hash)
  }

  @Test(arguments: [false, true])
  func anAdapterIsNotOpenedOnOtherWeights(intoShards: Bool) throws {
    let (model, _) = try runWithChangedBase(intoShards: intoShards)
    let found = intoShards ? "and has 3 files" : "bytes"
    for path in [folder.path + "/run", folder.path + "/run/checkpoints/step-00000002"] {
      let error = #expect(throws: (any Error).self) {
        try TrainedModel.open(path, in: Workspace())
      }
      let text = error.map { "\($0)" } ?? ""
      #expect(
        text.contains("model.from: \(model) had") && text.contains(found)
          && text.contains("put back the weights"), "\(text)")
      #expect(error.map { ExitCode(of: $0) } == .usage)
    }
  }

  // MARK: - What is told of an adapter

  @Test func anAdapterOfARunIsVerifiedWithoutItsModel() throws {
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("llama-tied"), toPath: copy)
    _ = try folder.train(
      configuration(from: "llama-tied", Self.lora + ["model.from=\(copy)"]), in: "run")
    try FileManager.default.removeItem(atPath: copy)
    let verification = try RunVerification(path: folder.path + "/run")
    #expect(verification.isSound, "\(verification)")
  }

  @Test func anAdapterIsInspected() throws {
    let text = try Inspection(path: Self.path("peft-lora")).description
    #expect(text.contains("peft-lora: adapter, its tensors complete"), "\(text)")
    #expect(text.contains("belongs to") && text.contains("llama-tied") && text.contains("lora_A"))
    let values = try ParameterValues(path: Self.path("peft-lora"), matching: "*.q_proj.lora_A.*")
    #expect(values.description.contains("layers.0.self_attn.q_proj.lora_A.weight"))
  }

  /// What other programs copy of a checkpoint.
  @Test func aCopyOfAnAdapterWithoutManifestIsTheAdapter() throws {
    _ = try folder.train(configuration(from: "llama-tied", Self.lora), in: "run")
    let copy = folder.path + "/copy"
    let checkpoint = folder.path + "/run/checkpoints/step-00000004"
    try FileManager.default.copyItem(atPath: checkpoint, toPath: copy)
    try FileManager.default.removeItem(atPath: copy + "/manifest.json")
    func values(_ path: String) throws -> [[Float]] {
      try TrainedModel.open(path, in: Workspace()).model.module.namedParameters.map {
        $0.parameter.tensor.elements
      }
    }
    let isSame = try values(copy) == values(checkpoint)
    #expect(isSame)
    #expect(try Inspection(path: copy).description.contains("copy: adapter, its tensors complete"))
  }

  @Test func anAdapterIsNoModelToBeginWith() throws {
    _ = try folder.train(configuration(from: "llama-tied", Self.lora), in: "run")
    for path in [Self.path("peft-lora"), folder.path + "/run"] {
      let found = problem(of: ["model.from=\(path)"])
      #expect(found.contains("model.from: holds an adapter, not a model"), "\(found)")
    }
  }

  @Test func whatAUserShouldKnowOfTheWeightsIsSaid() throws {
    let path = PretrainedFixture.path("mistral-window")
    let configuration = try configuration(from: "llama-tied", ["model.from=\(path)"])
    #expect(
      configuration.notices == [
        "model.from: \(path)/config.json: attention sees 12 tokens (sliding_window), so the context is 12 and "
          + "not 64"
      ])
  }
}
