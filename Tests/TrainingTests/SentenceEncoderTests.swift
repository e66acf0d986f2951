import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Vectors of texts, beside what PyTorch computes: scripts/fixtures/text_classifiers.py.
@Suite struct SentenceEncoderTests {
  private let folder: TemporaryDirectory
  private let expected: TextClassifierFixture

  init() throws {
    folder = try TemporaryDirectory()
    expected = try TextClassifierFixture.read()
  }

  private func trained(_ name: String) throws -> TrainedModel {
    try TrainedModel.open(TextClassifierFixture.path(name), in: Workspace())
  }

  private func difference(_ vectors: [SentenceVector], _ expected: [[Float]]) -> Float {
    zip(vectors, expected).flatMap { zip($0.elements, $1).map { abs($0 - $1) } }.max() ?? .infinity
  }

  /// A copy of the encoder's directory, a file of it with other content.
  private func changed(_ file: String, _ content: String) throws -> String {
    let copy = folder.path + "/model"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(
      atPath: TextClassifierFixture.path("encoder"), toPath: copy)
    try Data(content.utf8).write(to: URL(fileURLWithPath: copy + "/" + file))
    return copy
  }

  private func problem(_ file: String, _ content: String) throws -> String {
    let path = try changed(file, content)
    do {
      let encoder = try SentenceEncoder(TrainedModel.open(path, in: Workspace()))
      return "none: \(encoder.pooling)"
    } catch {
      #expect(ExitCode(of: error) == .usage)
      return "\(error)"
    }
  }

  @Test func vectorsAreThoseThatTheDirectoryMeans() throws {
    let encoder = try SentenceEncoder(trained("encoder"))
    #expect(encoder.pooling.mode == .mean && encoder.pooling.normalizes)
    let vectors = try encoder.encode(expected.lines)
    #expect(difference(vectors, expected.vectors["mean"] ?? []) < 1e-6)
    #expect(vectors.map(\.isCut) == [false, false, true, false, true])
    #expect(vectors.map(\.tokens) == [3, 5, 8, 4, 8])
  }

  /// Lines of all lengths share the memory of the longest.
  @Test(arguments: ["encoder", "bert-base", "llama-base"])
  func memoryDoesNotGrowWithEachNewLength(name: String) throws {
    let trained = try trained(name)
    let encoder = try SentenceEncoder(trained, batch: 1)
    var (bytes, lengths): ([Int], [Int]) = ([], [])
    for words in (1...6).reversed() {
      let line = Array([String](repeating: "cat", count: words).joined(separator: " ").utf8)
      lengths += try encoder.encode([line]).map(\.tokens)
      bytes.append(trained.workspace.pool.allocatedBytes)
    }
    #expect(Set(lengths).count >= 5, "\(lengths)")
    #expect(bytes.allSatisfy { $0 < bytes[0] * 11 / 10 }, "\(bytes)")
  }

  @Test(arguments: [PoolingMode.first, .last])
  func otherWaysOfPoolingAreAsked(for mode: PoolingMode) throws {
    let encoder = try SentenceEncoder(trained("encoder"), mode: mode, normalizes: false)
    let vectors = try encoder.encode(expected.lines)
    #expect(difference(vectors, expected.vectors[mode.rawValue] ?? []) < 1e-5)
  }

  @Test(arguments: ["encoder", "bert-base", "llama-base"])
  func vectorsDoNotDependOnTheLinesBesideThem(name: String) throws {
    let lines = expected.lines + [Array("  cat ".utf8), [], Array("cat".utf8)]
    let together = try SentenceEncoder(trained(name), batch: 8).encode(lines)
    let alone = try SentenceEncoder(trained(name), batch: 1).encode(lines)
    #expect(together.map(\.elements) == alone.map(\.elements))
    #expect(together[5].elements == together[7].elements, "white space around a line is left away")
    #expect(together.map(\.line) == Array(1...8))
    #expect(Set(together.map(\.elements)).count == 7)
  }

  @Test func aModelWithoutSuchFilesHasWaysOfItsKind() throws {
    let encoder = try SentenceEncoder(trained("bert-base"))
    #expect(encoder.pooling.mode == .mean && !encoder.pooling.normalizes)
    #expect(try SentenceEncoder(trained("llama-base")).pooling.mode == .last)
  }

  @Test(arguments: [
    ("modules.json", "{", "not a list of modules"),
    ("modules.json", "[]", "the modules are"),
    (
      "modules.json",
      #"[{"type": "a.Transformer", "path": ""}, {"type": "a.Pooling", "path": "1_Pooling"}, {"type": "a.Dense"}]"#,
      "module a.Dense is not supported"
    ),
    (
      "modules.json", #"[{"type": "a.Transformer"}, {"type": "a.Pooling", "path": "../x"}]"#,
      "Pooling has no path"
    ),
    (
      "modules.json",
      "[{\"type\": \"a.Transformer\"}, {\"type\": \"a.Pooling\", \"path\": \"../\u{301}x\"}]",
      "Pooling has no path"
    ),
    (
      "1_Pooling/config.json",
      #"{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": false}"#,
      "the states are pooled by pooling_mode_max_tokens"
    ),
    (
      "1_Pooling/config.json",
      #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#,
      "pooling_mode_cls_token and pooling_mode_mean_tokens"
    ),
    ("1_Pooling/config.json", #"{"pooling_mode": "max"}"#, "pooling_mode is max"),
    ("sentence_bert_config.json", #"{"max_seq_length": 0}"#, "max_seq_length is 0"),
    ("sentence_bert_config.json", #"{"do_lower_case": true}"#, "do_lower_case is true"),
    (
      "config_sentence_transformers.json", #"{"default_prompt_name": "query"}"#,
      "default_prompt_name is query"
    ),
  ])
  func whatIsNotComputedIsRefusedByName(file: String, content: String, message: String) throws {
    let found = try problem(file, content)
    #expect(found.contains(message) && !found.contains("\n"), "\(found)")
  }

  @Test func newerFilesSayTheSameInOneWord() throws {
    let path = try changed("1_Pooling/config.json", #"{"pooling_mode": "lasttoken"}"#)
    let encoder = try SentenceEncoder(TrainedModel.open(path, in: Workspace()))
    #expect(encoder.pooling.mode == .last && encoder.pooling.normalizes)
  }

  @Test func aModelThatPredictsClassesIsRefused() throws {
    let error = #expect(throws: LoadingError.self) { try SentenceEncoder(trained("bert")) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("lockstep predict takes it"))
  }

  // MARK: - Files of other programs, there and back

  private static let first =
    #"{"word_embedding_dimension": 16, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#

  private func convert(
    _ source: String, _ output: String, _ format: ModelConversion.Format
  ) throws -> ModelConversion.Outcome {
    try ModelConversion(source: source, output: folder.path + "/" + output, format: format)
      .run(in: Workspace())
  }

  private func encoder(_ name: String) throws -> SentenceEncoder {
    try SentenceEncoder(TrainedModel.open(folder.path + "/" + name, in: Workspace()))
  }

  @Test func aDirectoryKeepsHowItsTextsBecomeVectors() throws {
    let source = try changed("1_Pooling/config.json", Self.first)
    try folder.write(
      "model/config_sentence_transformers.json",
      #"{"prompts": {"query": "find: "}, "default_prompt_name": null}"#)
    let outcome = try convert(source, "copy", .safetensors)
    #expect(
      outcome.files.map(\.name).contains("1_Pooling/config.json")
        && !outcome.leftOut.contains { $0.contains("json") }, "\(outcome.leftOut)")
    #expect(
      try folder.names(in: "copy").contains("config_sentence_transformers.json"))
    let (before, after) = try (encoder("model"), encoder("copy"))
    #expect(after.pooling == before.pooling && after.pooling.mode == .first)
    let isSame = try zip(before.encode(expected.lines), after.encode(expected.lines))
      .allSatisfy { $0.elements == $1.elements }
    #expect(isSame)
    // What a conversion wrote is replaced as a whole.
    _ = try ModelConversion(
      source: source, output: folder.path + "/copy", format: .gguf, overwrites: true
    ).run(in: Workspace())
    #expect(try folder.names(in: "copy") == ["model.gguf"])
  }

  @Test func aGGUFFileSaysHowItsTextsBecomeVectorsAndWhatItCanNotSayIsNamed() throws {
    let source = try changed("1_Pooling/config.json", Self.first)
    let outcome = try convert(source, "file", .gguf)
    let metadata = try GGUFReader(path: folder.path + "/file/model.gguf").metadata
    #expect(metadata["bert.pooling_type"]?.integer == 2)
    #expect(outcome.leftOut.contains("Normalize of modules.json"))
    #expect(outcome.leftOut.contains("max_seq_length of sentence_bert_config.json"))
    let read = try encoder("file").pooling
    #expect(read.mode == .first && !read.normalizes && read.limit == nil)
    _ = try convert(folder.path + "/file", "again", .safetensors)
    #expect(try encoder("again").pooling == read)
  }

  @Test(arguments: [
    (0, "none: mean"), (1, "none: mean"), (2, "none: first"), (3, "none: last"),
    (4, "bert.pooling_type is 4; 1 (mean), 2 (first) and 3 (last) are supported"),
  ])
  func howAGGUFFilePoolsIsHeeded(type: UInt32, found: String) throws {
    _ = try convert(TextClassifierFixture.path("encoder"), "file", .gguf)
    let path = folder.path + "/file/model.gguf"
    let reader = try GGUFReader(path: path)
    var metadata = reader.metadata
    metadata["bert.pooling_type"] = .uint32(type)
    var set = TensorSet()
    for tensor in reader.tensors {
      var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
      try values.withUnsafeMutableBufferPointer {
        try reader.read(tensor.name, shape: tensor.shape, into: $0)
      }
      set.add(tensor.name, tensor.shape) { values[$0] }
    }
    let changed = folder.path + "/changed.gguf"
    try GGUFWriter.write(
      set.views.map { OutgoingTensor($0.name, $0, type: .float32) },
      metadata: metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: changed)
    let answer: String
    do {
      answer = try "none: \(encoder("changed.gguf").pooling.mode)"
    } catch {
      #expect(ExitCode(of: error) == .usage)
      answer = "\(error)"
    }
    #expect(answer.contains(found), "\(answer)")
  }

  @Test func aWayOfPoolingThatIsNotComputedIsNamedAsLeftOut() throws {
    let source = try changed("1_Pooling/config.json", #"{"pooling_mode": "max"}"#)
    for (format, output) in [(ModelConversion.Format.safetensors, "a"), (.gguf, "b")] {
      let outcome = try convert(source, output, format)
      #expect(outcome.leftOut.contains { $0.contains("pooling_mode is max") })
      #expect(try !folder.names(in: output).contains("modules.json"))
    }
  }

  /// - Parameter beginning: Of tensors' names: of a model with its head, and of one without.
  @Test(arguments: ["base_model.model.model.", "base_model.model."])
  func anAdapterPoolsAsTheModelThatItBelongsTo(beginning: String) throws {
    let base = folder.path + "/base"
    try FileManager.default.copyItem(
      atPath: TextClassifierFixture.path("llama-base"), toPath: base)
    for name in ["modules.json", "1_Pooling"] {
      try FileManager.default.copyItem(
        atPath: TextClassifierFixture.path("encoder") + "/" + name, toPath: base + "/" + name)
    }
    try folder.write(
      "adapter/adapter_config.json",
      #"{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "base_model_name_or_path": "\#(base)"}"#)
    var tensors = TensorSet()
    for (factor, shape) in [("A", [2, 16]), ("B", [16, 2])] {
      let name = "\(beginning)layers.0.self_attn.q_proj.lora_\(factor).weight"
      tensors.add(name, shape) { Float($0 % 5) - 2 }
    }
    try SafetensorsWriter.write(
      tensors.views, to: folder.path + "/adapter/adapter_model.safetensors")
    let pooling = try encoder("adapter").pooling
    #expect(pooling.mode == .mean && pooling.normalizes)
    // What the adapter's own directory says stands over that.
    try folder.write(
      "adapter/modules.json",
      #"[{"type": "a.Transformer", "path": ""}, {"type": "a.Pooling", "path": "1_Pooling"}]"#)
    try folder.write("adapter/1_Pooling/config.json", #"{"pooling_mode": "cls"}"#)
    let own = try encoder("adapter").pooling
    #expect(own.mode == .first && !own.normalizes)
  }
}
