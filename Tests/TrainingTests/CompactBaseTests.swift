import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Adapters on models that are kept in less memory than their floats would take: `model.weights`.
@Suite struct CompactBaseTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 4)
    let writer = try TokenFileWriter(path: folder.path + "/train.bin", vocabularyCount: 29)
    try writer.append((0..<400).map { _ in Int32.random(in: 0..<29, using: &generator) })
    try writer.finish()
  }

  private func configuration(_ settings: [String], steps: Int) throws -> RunConfiguration {
    try .parse(
      yaml: "{}", source: "test",
      overrides: [
        "data.train=\(folder.path)/train.bin", "data.validation=null", "data.tokenizer=null",
        "batch.sequences=2", "batch.microbatches=4", "schedule.name=constant",
        "schedule.warmup_steps=0", "steps=\(steps)", "evaluate.every=0",
        "optimizer.learning_rate=0.01",
      ] + settings)
  }

  /// - Parameter feedForward: A multiple of 32, where blocks shall divide the rows of all matrices.
  private func makeBase(feedForward: Int = 96) throws {
    let model =
      "model={architecture: llama, layers: 2, heads: 2, key_value_heads: 1, width: 64, "
      + "feed_forward: \(feedForward), context: 16, vocabulary: 29}"
    _ = try folder.train(configuration([model], steps: 1), in: "base")
  }

  private func adapted(
    _ base: String, _ weights: String, _ further: [String] = []
  ) throws -> RunConfiguration {
    try configuration(
      [
        "model.from=\(folder.path)/\(base)", "model.weights=\(weights)", "adapter.name=lora",
        "adapter.rank=2",
      ] + further, steps: 4)
  }

  private func logits(_ path: String) throws -> [Float] {
    let trained = try TrainedModel.open(folder.path + "/" + path, in: Workspace())
    let tokens = Indices([1, 5, 2, 8, 28], shape: [1, 5])
    return try trained.workspace.withoutRecording {
      try trained.languageModel().logits(of: tokens).elements
    }
  }

  /// What is kept compactly is exactly what a file of that type holds.
  @Test(arguments: [("bfloat16", "lora"), ("q8_0", "lora"), ("q8_0", "dora")])
  func aRunHasTheBitsOfOneOnAModelOfThatType(weights: String, method: String) throws {
    try makeBase()
    let type = try #require(StorageType(rawValue: weights))
    let conversion = ModelConversion(
      source: folder.path + "/base", output: folder.path + "/rounded", format: .gguf, type: type)
    _ = try conversion.run(in: Workspace())
    let further = ["adapter.name=\(method)"]
    let compact = try folder.train(adapted("base", weights, further), in: "compact")
    let floats = try folder.train(adapted("rounded/model.gguf", "float32", further), in: "floats")
    let exact = try folder.train(adapted("base", "float32", further), in: "exact")
    #expect(compact.floatCount < floats.floatCount * 3 / 4)
    #expect(compact.hash == floats.hash && compact.hash != exact.hash)
    #expect(try logits("compact") == logits("floats"))
    #expect(try logits("compact") != logits("exact"))
  }

  @Test(arguments: ["bfloat16", "q8_0"], ["float32", "bfloat16"])
  func ranksAndResumedRunsHaveTheSameBits(weights: String, precision: String) throws {
    try makeBase(feedForward: 100)
    let configuration = try adapted("base", weights, ["precision=\(precision)"])
    let whole = try folder.train(configuration, in: "whole")
    for ranks in [2, 3, 4] {
      #expect(try folder.train(configuration, ranks: ranks, in: "on\(ranks)").hash == whole.hash)
    }
    _ = try folder.train(configuration, ranks: 2, in: "parts", steps: 2)
    #expect(try folder.train(configuration, in: "parts", resume: true).hash == whole.hash)
  }

  @Test func whatIsNotFiniteCanNotBeKeptSo() throws {
    try makeBase()
    let path = folder.path + "/base/checkpoints/step-00000001"
    let copy = folder.path + "/copy"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(atPath: path + "/" + name, toPath: copy + "/" + name)
    }
    let file = URL(fileURLWithPath: copy + "/model.safetensors")
    var bytes = try Data(contentsOf: file)
    let source = try SafetensorsReader(path: file.path)
    #expect(source.tensors.contains { $0.name == "model.embed_tokens.weight" })
    // The last float of the file, of whichever tensor, and those before it.
    for place in stride(from: bytes.count - 4, to: bytes.count - 4 * 8000, by: -4) {
      bytes.replaceSubrange(place..<place + 4, with: [0xFF, 0xFF, 0x7F, 0x7F])
    }
    try bytes.write(to: file)
    for weights in ["bfloat16", "q8_0"] {
      let error = #expect(throws: (any Error).self) {
        try folder.train(adapted("copy", weights), in: "bad-\(weights)")
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("which \(weights) does not have"))
    }
  }

  @Test func withoutAnAdapterAllOfTheModelIsKeptInFull() throws {
    let error = #expect(throws: (any Error).self) {
      try configuration(["model.weights=q8_0"], steps: 1)
    }
    let message = error.map { "\($0)" } ?? ""
    #expect(message.contains("model.weights") && message.contains("float32, because"), "\(message)")
  }
}
