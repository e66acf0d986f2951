import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Directories that `transformers` saved: scripts/fixtures/foreign_models.py.
@Suite struct TrainedModelTests {
  private struct Expected: Decodable {
    let tokens: [Int32]
    let positions: Int
    let logits: [String: [Float]]
  }

  static let fixtures = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/ForeignModels")

  private let expected: Expected

  init() throws {
    expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: Self.fixtures.appending(path: "expected.json")))
  }

  /// [B, T, V], row-major.
  private func logits(of trained: TrainedModel) throws -> [Float] {
    let count = expected.tokens.count / expected.positions
    let tokens = Indices(expected.tokens, shape: [count, expected.positions])
    return try trained.workspace.withoutRecording {
      switch trained.model {
      case .language(let model): return model.logits(of: tokens).elements
      case .maskedLanguage(let model):
        let states = model.headStates(of: tokens, at: PredictedPositions(tokens))
        return model.logits(ofHeadStates: states).elements
      case .encoder, .sequenceToSequence, .prediction, .textClassification:
        Issue.record("\(trained.kind)")
        return try trained.languageModel().logits(of: tokens).elements
      }
    }
  }

  @Test(arguments: [
    ("gpt2-float32", ModelKind.language), ("gpt2-float16", .language),
    ("gpt2-bfloat16", .language), ("gpt2-shards", .language), ("gpt2-bare", .language),
    ("gpt2-tied", .language), ("llama-shards", .language), ("llama-tied", .language),
    ("bert-pretraining", .maskedLanguage),
  ])
  func aModelThatTransformersSavedComputesTheSame(name: String, kind: ModelKind) throws {
    let path = Self.fixtures.appending(path: name).path
    let trained = try TrainedModel.open(path, in: Workspace())
    #expect(trained.kind == kind && trained.path == path && trained.step == nil)
    #expect(trained.configuration == nil && trained.tokenizer == nil && trained.notices.isEmpty)
    let found = try logits(of: trained)
    let wanted = try #require(expected.logits[name])
    try #require(found.count == wanted.count)
    let scale = wanted.map(abs).max() ?? 1
    let difference = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference < 2e-6 * scale, "\(name): \(difference) of \(scale)")
  }

  // MARK: - What does not fit

  /// A fixture in a directory of its own, to be changed.
  private func copy(_ name: String) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    let source = Self.fixtures.appending(path: name)
    for file in try FileManager.default.contentsOfDirectory(atPath: source.path) {
      try FileManager.default.copyItem(
        atPath: source.appending(path: file).path, toPath: folder.path + "/" + file)
    }
    return folder
  }

  /// A file of 4 TiB, of which nothing is on the disk.
  @Test func aModelThatNeedsMoreMemoryThanThereIsIsRefusedWithWhatItNeeds() throws {
    let folder = try copy("gpt2-float32")
    let weights = folder.path + "/model.safetensors"
    let (width, vocabularyCount) = (1 << 16, 1 << 24)
    let sizes = [8: width, 24: 3 * width, 32: 4 * width, 29: vocabularyCount]
    let layouts = try SafetensorsReader(path: weights).entries.map { entry in
      TensorLayout(name: entry.name, shape: entry.shape.map { sizes[$0] ?? $0 })
    }
    let header = SafetensorsHeader.encode(layouts, metadata: ["format": "pt"])
    try Data(header).write(to: URL(fileURLWithPath: weights))
    let byteCount = layouts.reduce(0) { $0 + $1.byteCount }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: weights))
    try file.truncate(atOffset: UInt64(header.count + byteCount))
    try file.close()
    let configuration = folder.path + "/config.json"
    let text = try String(contentsOfFile: configuration, encoding: .utf8)
      .replacing(#""n_embd": 8"#, with: "\"n_embd\": \(width)")
      .replacing(#""vocab_size": 29"#, with: "\"vocab_size\": \(vocabularyCount)")
    try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    let error = #expect(throws: WeightError.self) {
      try TrainedModel.open(folder.path, in: Workspace())
    }
    guard case .noMemory(weights, let bytes, let available?) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(bytes >= byteCount && available < bytes)
    #expect("\(try #require(error))".contains("take \(bytes) bytes of memory as float32"))
  }

  /// Writes the tensors of a fixture again, changed.
  private func rewrite(
    _ folder: TemporaryDirectory, _ change: (String, [Int], [Float]) -> [(String, [Int], [Float])]
  ) throws {
    let path = folder.path + "/model.safetensors"
    let reader = try SafetensorsReader(path: path)
    var tensors = TensorSet()
    for entry in reader.entries {
      for (name, shape, values) in change(
        entry.name, entry.shape, try reader.floats(entry.name))
      {
        tensors.add(name, shape) { values[$0] }
      }
    }
    try SafetensorsWriter.write(tensors.views, to: path)
  }

  private func message(of folder: TemporaryDirectory) -> String {
    do {
      _ = try TrainedModel.open(folder.path, in: Workspace())
      return "opened"
    } catch {
      #expect(ExitCode(of: error) == .usage)
      return "\(error)"
    }
  }

  @Test func aTensorThatNoParameterTakesIsAnError() throws {
    let folder = try copy("gpt2-float32")
    try rewrite(folder) { name, shape, values in
      let isLast = name == "transformer.h.1.ln_2.bias"
      return [(name, shape, values)]
        + (isLast ? [("transformer.h.2.ln_2.bias", shape, values)] : [])
    }
    #expect(
      message(of: folder) == "\(folder.path)/model.safetensors: does not fit the model: "
        + "no parameter for 'transformer.h.2.ln_2.bias'")
  }

  @Test func aParameterThatTheFileLacksIsAnError() throws {
    let folder = try copy("gpt2-float32")
    try rewrite(folder) { name, shape, values in
      name == "transformer.ln_f.weight" ? [] : [(name, shape, values)]
    }
    #expect(
      message(of: folder) == "\(folder.path)/model.safetensors: does not fit the model: "
        + "no tensor for 'transformer.ln_f.weight'")
  }

  /// The head of such a model would be another than it was trained with.
  @Test func aTiedTensorWithOtherValuesIsAnError() throws {
    let folder = try copy("gpt2-tied")
    try rewrite(folder) { name, shape, values in
      [(name, shape, name == "lm_head.weight" ? values.map { $0 + 1 } : values)]
    }
    #expect(
      message(of: folder) == "\(folder.path)/model.safetensors: 'lm_head.weight' and "
        + "'transformer.wte.weight' differ, but the model has one parameter for them, "
        + "'transformer.wte.weight'")
  }

  @Test func aHeadAloneIsTheEmbeddingItIsTiedTo() throws {
    let folder = try copy("gpt2-tied")
    try rewrite(folder) { name, shape, values in
      name == "transformer.wte.weight" ? [] : [(name, shape, values)]
    }
    let whole = try logits(
      of: TrainedModel.open(Self.fixtures.appending(path: "gpt2-tied").path, in: Workspace()))
    #expect(try logits(of: TrainedModel.open(folder.path, in: Workspace())) == whole)
  }

  @Test func anUntiedModelWithoutItsHeadIsRefused() throws {
    let folder = try copy("llama-tied")
    let path = folder.path + "/config.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try folder.write(
      "config.json",
      text.replacing("\"tie_word_embeddings\": true", with: "\"tie_word_embeddings\": false"))
    #expect(message(of: folder).contains("no tensor for 'lm_head.weight'"))
  }

  @Test func doublesAreRefused() throws {
    let folder = try copy("gpt2-float32")
    let path = folder.path + "/model.safetensors"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let name = try #require(bytes.firstRange(of: Data("\"transformer.ln_f.bias\":".utf8)))
    // The same bytes, said to be half as many elements of twice the length.
    let end = try #require(bytes[name.upperBound...].firstIndex(of: UInt8(ascii: "}")))
    let record = String(decoding: bytes[name.upperBound...end], as: UTF8.self)
    let changed = record.replacing("F32", with: "F64").replacing("[8]", with: "[4]")
    try #require(changed.count == record.count && changed != record)
    bytes.replaceSubrange(name.upperBound...end, with: Data(changed.utf8))
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(message(of: folder).contains("'transformer.ln_f.bias' [4], expected [8]"))
    let reader = try SafetensorsReader(path: path)
    #expect(
      throws: WeightError.unreadableElements(
        path: path, tensor: "transformer.ln_f.bias", elementType: "F64",
        readable: ["F32", "F16", "BF16"])
    ) { try reader.floats("transformer.ln_f.bias") }
  }

  @Test func whatIsFoundInPlaceOfAModelIsTold() throws {
    let folder = try TemporaryDirectory()
    #expect(message(of: folder).hasPrefix("\(folder.path): found no files, but neither"))
    try folder.write("weights.pt", "x")
    #expect(message(of: folder).hasPrefix("\(folder.path): found weights.pt, but neither"))
    let model = try copy("gpt2-float32")
    try FileManager.default.moveItem(
      atPath: model.path + "/model.safetensors", toPath: model.path + "/pytorch_model.bin")
    #expect(
      message(of: model) == "\(model.path): found pytorch_model.bin, expected model.safetensors or "
        + "model.safetensors.index.json")
    let file = try folder.write("file", "x")
    #expect(throws: LoadingError.notADirectory(path: file)) {
      try TrainedModel.open(file, in: Workspace())
    }
    #expect(throws: LoadingError.nothingThere(path: file + "s")) {
      try TrainedModel.open(file + "s", in: Workspace())
    }
  }
}
