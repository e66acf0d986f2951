import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Adapters that are folded into their models.
@Suite struct AdapterMergeTests {
  private let folder: TemporaryFolder
  private static let tokens: [Int32] = [3, 14, 1, 5, 9, 2, 6]

  init() throws { folder = try TemporaryFolder() }

  /// A run with an adapter of a fixture.
  private func train(
    _ name: String, method: String = "lora", learningRate: Double = 0.01,
    precision: Precision = .float32
  ) throws -> String {
    let data = folder.path + "/train.bin"
    var generator = SeededGenerator(seed: 4)
    let writer = try TokenFileWriter(path: data, vocabularyCount: 29)
    try writer.append((0..<400).map { _ in Int32.random(in: 0..<29, using: &generator) })
    try writer.finish()
    let base = TrainedModelTests.fixtures.appending(path: name).path
    let configuration = try RunConfiguration.parse(
      yaml: "{}", source: "test",
      overrides: [
        "data.train=\(data)", "data.validation=null", "data.tokenizer=null", "model.from=\(base)",
        "batch.sequences=2", "batch.microbatches=1", "schedule.name=constant",
        "schedule.warmup_steps=0", "steps=5", "evaluate.every=0",
        "optimizer.learning_rate=\(learningRate)", "adapter.name=\(method)", "adapter.rank=2",
        "precision=\(precision)",
      ])
    let path = folder.path + "/run"
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "",
      directory: RunDirectory(path: path), resume: false, threads: 1)
    _ = try run.run(until: StopRequest())
    return path
  }

  private func logits(_ path: String) throws -> [Float] {
    let trained = try TrainedModel.open(path, in: Workspace(), precision: .float32)
    let tokens = Indices(Self.tokens, shape: [1, Self.tokens.count])
    return try trained.workspace.withoutRecording {
      try trained.languageModel().logits(of: tokens).elements
    }
  }

  private func conversion(
    _ source: String, _ format: ModelConversion.Format = .safetensors,
    type: StorageType = .float32, merges: Bool = true
  ) -> ModelConversion {
    var conversion = ModelConversion(
      source: source, output: folder.path + "/merged", format: format, type: type)
    conversion.mergesAdapter = merges
    return conversion
  }

  @Test(
    arguments: [
      ("llama-tied", "lora", ModelConversion.Format.safetensors),
      ("llama-tied", "rslora", .gguf), ("gpt2-float32", "dora", .safetensors),
    ], [Precision.float32, .bfloat16])
  func aMergedModelComputesWhatTheAdaptedOneDid(
    _ setting: (name: String, method: String, format: ModelConversion.Format),
    precision: Precision
  ) throws {
    let (name, method, format) = setting
    let run = try train(name, method: method, precision: precision)
    let outcome = try conversion(run, format).run(in: Workspace())
    let merge = try #require(outcome.merge)
    #expect(
      merge.change > 1e-3 && merge.meanError < 1e-5 && merge.text?.hasSuffix("train.bin") == true)
    let merged = folder.path + "/merged" + (format == .gguf ? "/model.gguf" : "")
    let (found, expected) = (try logits(merged), try logits(run))
    let scale = expected.map(abs).max() ?? 0
    let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference < 1e-5 * scale)
    #expect(try logits(TrainedModelTests.fixtures.appending(path: name).path) != expected)
  }

  /// An adapter of a fixture as `peft` saves it.
  private func writeAdapter(of name: String, scale: Float = 1) throws -> String {
    let path = folder.path + "/adapter"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let description =
      #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "base_model_name_or_path": "\#(TextClassifierFixture.path(name))"}"#
    try Data(description.utf8).write(to: URL(fileURLWithPath: path + "/adapter_config.json"))
    var tensors = TensorSet()
    let layer = "base_model.model.bert.encoder.layer.1.attention.self.query"
    tensors.add(layer + ".lora_A.weight", [2, 16]) { Float($0 % 5) - 2 }
    tensors.add(layer + ".lora_B.weight", [16, 2]) { scale * (Float($0 % 3) - 1) }
    try SafetensorsWriter.write(tensors.views, to: path + "/adapter_model.safetensors")
    return path
  }

  /// Of texts; not divided by their length, which GGUF has no word for.
  private func vectors(_ path: String) throws -> [Float] {
    let encoder = try SentenceEncoder(
      TrainedModel.open(path, in: Workspace(), precision: .float32), normalizes: false)
    return try encoder.encode(["cat dog", "sun"].map { Array($0.utf8) }).flatMap(\.elements)
  }

  @Test(
    arguments: [
      ("encoder", ModelConversion.Format.safetensors, AdapterMerge.Outputs.states),
      ("encoder", .gguf, .states), ("bert-base", .safetensors, .logits),
      ("bert-base", .gguf, .states),
    ])
  func adaptersOfEncodersAndOfModelsThatFillInTokensAreMerged(
    name: String, format: ModelConversion.Format, outputs: AdapterMerge.Outputs
  ) throws {
    let adapter = try writeAdapter(of: name)
    let outcome = try conversion(adapter, format).run(in: Workspace())
    let merge = try #require(outcome.merge)
    #expect(merge.outputs == outputs && merge.change > 1e-2 && merge.meanError < 1e-5)
    #expect(outcome.description.contains("adapter            changes \(outputs) by"))
    let (found, expected) = try (vectors(folder.path + "/merged"), vectors(adapter))
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    let plain = try vectors(TextClassifierFixture.path(name))
    #expect(zip(plain, expected).contains { abs($0 - $1) > 1e-2 })
  }

  @Test func roundingThatLosesAnEncodersAdapterIsRefused() throws {
    let adapter = try writeAdapter(of: "encoder", scale: 1e-5)
    let error = #expect(throws: LostAdapterError.self) {
      try conversion(adapter, type: .bfloat16).run(in: Workspace())
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("adapter does: states differ by"))
  }

  @Test func roundingThatLosesTheAdapterIsRefusedAndNothingWritten() throws {
    let run = try train("llama-tied", learningRate: 1e-6)
    let error = #expect(throws: LostAdapterError.self) {
      try conversion(run, type: .bfloat16).run(in: Workspace())
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("choose a --type with more bits"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!left.contains { $0.contains("merged") }, "\(left)")
    #expect(throws: Never.self) { try conversion(run).run(in: Workspace()) }
  }

  @Test func onlyAnAdapterIsMergedAndOnlyAModelConverted() throws {
    let run = try train("llama-tied")
    func problem(_ conversion: ModelConversion) -> String {
      let error = #expect(throws: ConversionError.self) { try conversion.run(in: Workspace()) }
      return "\(error.map { "\($0)" } ?? "")"
    }
    #expect(problem(conversion(run, merges: false)).contains("which lockstep merge folds"))
    let base = TrainedModelTests.fixtures.appending(path: "llama-tied").path
    #expect(problem(conversion(base)).contains("has no adapter"))
  }
}
