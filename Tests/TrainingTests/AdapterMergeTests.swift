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
