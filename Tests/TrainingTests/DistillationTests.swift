import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepReporting
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Learning from another model. scripts/check_distillation.py compares with PyTorch.
@Suite struct DistillationTests {
  private let folder: TemporaryFolder
  private static let models = TrainedModelTests.fixtures

  init() throws { folder = try TemporaryFolder() }

  private static func path(_ name: String) -> String { models.appending(path: name).path }

  /// The small GPT learns; random tokens below 29 are the text.
  private func configuration(
    teacher: String, weight: Double = 0.5, _ further: [String] = []
  ) throws -> RunConfiguration {
    let data = folder.path + "/train.bin"
    if !FileManager.default.fileExists(atPath: data) {
      var generator = SeededGenerator(seed: 4)
      let writer = try TokenFileWriter(path: data, vocabularyCount: 29)
      try writer.append((0..<400).map { _ in Int32.random(in: 0..<29, using: &generator) })
      try writer.finish()
    }
    return try .parse(
      yaml: "{}", source: "test",
      overrides: [
        "data={train: \(data), validation: null, tokenizer: null}",
        "model={from: \(Self.path("gpt2-float32")), dropout: 0}",
        "loss={name: distillation, teacher: \(teacher), weight: \(weight)}",
        "batch={sequences: 2, microbatches: 4}", "schedule={name: constant, warmup_steps: 0}",
        "optimizer.learning_rate=0.01", "steps=4", "evaluate.every=0",
      ] + further)
  }

  @Test func aModelHasNothingToLearnFromItself() throws {
    let own = Self.path("gpt2-float32")
    let alone = try folder.train(configuration(teacher: own, ["loss={name: standard}"])).losses[0]
    let all = try folder.train(configuration(teacher: own, weight: 1)).losses[0]
    let half = try folder.train(configuration(teacher: own, weight: 0.5)).losses[0]
    #expect(abs(all) < 1e-5 && abs(half - alone / 2) < 1e-5 * alone)
  }

  @Test func anotherModelIsLearnedFromWithTheSameBitsOnAnyNumberOfRanks() throws {
    let configuration = try configuration(
      teacher: Self.path("llama-tied"), weight: 1, ["loss.temperature=2", "steps=20"])
    let whole = try folder.train(configuration)
    #expect((whole.losses.last ?? 1) < 0.6 * whole.losses[0], "\(whole.losses)")
    for ranks in [2, 3] {
      #expect(try folder.train(configuration, ranks: ranks).hash == whole.hash)
    }
    _ = try folder.train(configuration, ranks: 2, in: "parts", steps: 7)
    #expect(try folder.train(configuration, ranks: 3, in: "parts", resume: true).hash == whole.hash)
    // The teacher is no part of the model.
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.path + "/parts/checkpoints/step-00000020")
    #expect(names.filter { $0.hasSuffix("model.safetensors") } == ["model.safetensors"])
  }

  @Test func anAdapterCanLearnFromATeacher() throws {
    let configuration = try configuration(
      teacher: Self.path("llama-tied"), ["adapter={name: lora, rank: 2}"])
    #expect(try folder.train(configuration).hash == folder.train(configuration, ranks: 3).hash)
  }

  @Test(arguments: ["refuse", "accept"])
  func aRunDoesNotGoOnWithAnotherTeacher(policy: String) throws {
    let copy = folder.path + "/teacher"
    try FileManager.default.copyItem(atPath: Self.path("llama-tied"), toPath: copy)
    let configuration = try configuration(teacher: copy, ["data.changed=\(policy)"])
    _ = try folder.train(configuration, in: "run", steps: 2)
    let file = copy + "/model.safetensors"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[bytes.count - 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    let found = problem { try folder.train(configuration, in: "run", resume: true) }
    #expect(found.contains("loss.teacher: \(copy) had"), "\(found)")
    #expect(!found.contains("data.changed"), "\(found)")
  }

  @Test(arguments: [("llama-tied", "llama-shards"), ("gpt2-shards", "gpt2-float32")])
  func aTeacherInAnotherNumberOfFilesIsAnother(before: String, after: String) throws {
    let copy = folder.path + "/teacher"
    try FileManager.default.copyItem(atPath: Self.path(before), toPath: copy)
    let configuration = try configuration(teacher: copy)
    _ = try folder.train(configuration, in: "run", steps: 2)
    try FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: Self.path(after), toPath: copy)
    let found = problem { try folder.train(configuration, in: "run", resume: true) }
    #expect(found.contains("loss.teacher: \(copy) had"), "\(found)")
    #expect(found.contains("3 files"), "\(found)")
    // Two such runs are told apart, too.
    _ = try folder.train(configuration, in: "other", steps: 2)
    let differences = try RunDirectory(path: folder.path + "/run")
      .dataDifferences(from: RunDirectory(path: folder.path + "/other"))
    #expect(differences.count == 1)
    #expect(
      differences.allSatisfy { $0.hasPrefix("loss.teacher: A ") && $0.contains("3 files") },
      "\(differences)")
  }

  private func problem(_ body: () throws -> Any) -> String {
    do {
      _ = try body()
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    ("/nowhere", [], "loss.teacher: /nowhere: /nowhere: no such run or checkpoint"),
    (path("peft-lora"), [], "holds an adapter, not a model"),
    (path("bert-pretraining"), [], "bert-pretraining: is no language model"),
    (
      path("llama-tied"), ["loss.teacher=null"],
      "loss.teacher: found nothing, expected a language model"
    ),
    (path("llama-tied"), ["loss.temperature=0"], "loss.temperature"),
    (path("llama-tied"), ["loss.weight=1.5"], "loss.weight"),
    (
      path("llama-tied"),
      ["model={architecture: gpt, layers: 1, heads: 1, width: 8, context: 13, vocabulary: 29}"],
      "takes sequences of up to 12 tokens, and model.context is 13"
    ),
    (
      path("llama-tied"),
      ["model={architecture: gpt, layers: 1, heads: 1, width: 8, context: 9, vocabulary: 30}"],
      "knows 29 tokens, and the model that learns 30"
    ),
  ])
  func aTeacherThatDoesNotFitIsNamed(teacher: String, settings: [String], message: String) {
    let found = problem { try folder.train(configuration(teacher: teacher, settings)) }
    #expect(found.contains(message), "\(found)")
  }

  @Test func whatAUserShouldKnowOfTheTeacherIsSaid() throws {
    let copy = folder.path + "/teacher"
    try FileManager.default.copyItem(atPath: Self.path("llama-tied"), toPath: copy)
    let file = URL(fileURLWithPath: copy + "/config.json")
    var description = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    for key in ["pretraining_tp", "mlp_bias", "attention_bias"] { description[key] = nil }
    description["model_type"] = "mistral"
    description["architectures"] = ["MistralForCausalLM"]
    description["sliding_window"] = 9
    try JSONSerialization.data(withJSONObject: description).write(to: file)
    let configuration = try configuration(
      teacher: copy, ["model={from: \(Self.path("gpt2-float32")), dropout: 0, context: 8}"])
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "", directory: nil,
      resume: false, threads: 1)
    let recorder = EventRecorder()
    run.trainer.attach(recorder)
    _ = try run.run(until: StopRequest())
    #expect(
      recorder.names.filter { $0.contains("sliding_window") } == [
        "notice loss.teacher: \(copy)/config.json: attention sees 9 tokens (sliding_window), so the context is 9 "
          + "and not 12"
      ])
  }
}
