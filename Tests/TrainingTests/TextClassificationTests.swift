import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepReporting
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Texts that models sort into classes, beside what transformers computes: scripts/fixtures/text_classifiers.py.
@Suite struct TextClassificationTests {
  private let folder: TemporaryFolder
  private let expected: TextClassifierFixture

  init() throws {
    folder = try TemporaryFolder()
    expected = try TextClassifierFixture.read()
  }

  // MARK: - What models compute

  private func rectangle() -> (tokens: Indices, lengths: [Int]) {
    let positions = expected.tokens.map(\.count).max() ?? 0
    // Behind texts there may be anything.
    let rows = expected.tokens.flatMap {
      $0 + [Int32](repeating: 9, count: positions - $0.count)
    }
    return (
      Indices(rows, shape: [expected.tokens.count, positions]), expected.tokens.map(\.count)
    )
  }

  @Test(arguments: ["bert", "llama", "gpt2"])
  func modelsOfTransformersComputeTheSameWhateverIsBehindTexts(name: String) throws {
    let trained = try TrainedModel.open(TextClassifierFixture.path(name), in: Workspace())
    let (model, classes) = try trained.textClassifier()
    #expect(trained.summary.hasSuffix(", 3 classes of texts"))
    #expect(classes.names == expected.classes && trained.kind == .textClassification)
    let (tokens, lengths) = rectangle()
    let together = trained.workspace.withoutRecording {
      model.outputs(of: tokens, lengths: lengths).elements
    }
    let alone = trained.workspace.withoutRecording {
      expected.tokens.flatMap {
        model.outputs(of: Indices($0, shape: [1, $0.count]), lengths: [$0.count]).elements
      }
    }
    #expect(together == alone, "padding changes nothing")
    let logits = try #require(expected.logits[name]).flatMap(\.self)
    #expect(zip(alone, logits).allSatisfy { abs($0 - $1) < 1e-5 } && alone.count == logits.count)
  }

  @Test func linesGetTheirLikeliestClasses() throws {
    let trained = try TrainedModel.open(TextClassifierFixture.path("bert"), in: Workspace())
    let lines = expected.lines + [Array("  ".utf8)]
    let found = try TextPredictor(trained, batch: 4).predict(lines: lines, first: 3, count: 2)
    #expect(found.map(\.row) == Array(3...8))
    #expect(found.map(\.isCut) == [false, false, false, false, true, false])
    #expect(found[5].classes.isEmpty && found[5].tokens == 0)
    for (line, logits) in zip(found, try #require(expected.logits["bert"])) {
      let sum = logits.reduce(0) { $0 + exp(Double($1)) }
      let order = logits.indices.sorted { logits[$0] > logits[$1] }
      #expect(line.classes.map(\.name) == order.prefix(2).map { expected.classes[$0] })
      for (candidate, place) in zip(line.classes, order) {
        #expect(abs(candidate.probability - exp(Double(logits[place])) / sum) < 1e-5)
      }
    }
  }

  // MARK: - Training

  private static let words: [(label: String, words: [String])] = [
    ("animal", ["cat", "dog", "bird"]), ("sky", ["sun", "moon", "star"]),
    ("colour", ["red", "green", "blue"]),
  ]

  /// Texts of one word that says their class, and of others that do not.
  private func rows(count: Int, seed: UInt64) -> [(text: String, label: String)] {
    var generator = SeededGenerator(seed: seed)
    let fillers = ["one", "two", "three", "sings", "runs", "sleeps"]
    return (0..<count).map { index in
      let (label, words) = Self.words[index % 3]
      let before = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
        fillers[Int.random(in: 0..<6, using: &generator)]
      }
      let word = words[Int.random(in: 0..<3, using: &generator)]
      let after = (0..<Int.random(in: 0..<14, using: &generator)).map { _ in
        fillers[Int.random(in: 0..<6, using: &generator)]
      }
      return ((before + [word] + after).joined(separator: " "), label)
    }
  }

  private func table(_ rows: [(text: String, label: String)]) -> String {
    "label,text\n" + rows.map { "\($0.label),\"\($0.text)\"\n" }.joined()
  }

  private func lines(_ rows: [(text: String, label: String)]) -> String {
    rows.map { #"{"text": "\#($0.text)", "other": 1, "label": "\#($0.label)"}"# + "\n" }.joined()
  }

  private func configuration(
    _ name: String?, _ further: [String] = [], steps: Int = 5
  ) throws -> RunConfiguration {
    let (train, heldOut) = (folder.path + "/train.csv", folder.path + "/test.csv")
    try Data(table(rows(count: 90, seed: 1)).utf8).write(to: URL(fileURLWithPath: train))
    try Data(table(rows(count: 30, seed: 2)).utf8).write(to: URL(fileURLWithPath: heldOut))
    let tokenizer = TextClassifierFixture.path("bert") + "/tokenizer.json"
    let settings = [
      "task=classification", "data.format=texts", "data.train=\(train)",
      "data.validation=\(heldOut)", "data.tokenizer=\(tokenizer)", "batch.sequences=3",
      "batch.microbatches=6", "schedule.name=constant", "schedule.warmup_steps=0",
      "steps=\(steps)", "evaluate.every=0", "evaluate.top_k=2", "optimizer.learning_rate=0.01",
    ]
    let model =
      name.map { ["model.from=\(TextClassifierFixture.path($0))"] }
      ?? [
        "model.architecture=bert", "model.layers=1", "model.heads=2", "model.width=16",
        "model.context=12", "model.dropout=0.1",
      ]
    return try .parse(yaml: "{}", source: "test", overrides: settings + model + further)
  }

  /// Batches are as long as their longest text: all lengths share about the memory of the largest.
  @Test func memoryDoesNotGrowWithEachNewLength() throws {
    let configuration = try configuration(nil, ["model.dropout=0"])
    let workspace = Workspace()
    let trainer = try Trainer(
      task: configuration.prepareTask(SoloCommunicator()).task, configuration: configuration,
      communicator: SoloCommunicator(), workspace: workspace, observers: [])
    let bytes = try (0..<40).map { step in
      _ = try trainer.step.run(step: step)
      #expect(workspace.pool.lentCount == 0)
      return workspace.pool.allocatedBytes
    }
    #expect(bytes[39] < bytes[0] * 11 / 10, "\(bytes)")
  }

  static let settings: [(name: String?, further: [String])] = [
    ("bert-base", []), ("encoder", []), ("llama-base", []), ("gpt2", []), (nil, []),
    ("llama-base", ["adapter.name=lora", "adapter.rank=2"]),
    ("encoder", ["adapter.name=dora", "adapter.rank=2", "adapter.targets=[query]"]),
    ("encoder", ["freeze=['bert.e*']"]),
  ]

  @Test(arguments: settings.indices)
  func aRunHasTheSameBitsOnAnyNumberOfRanksAndWhenResumed(index: Int) throws {
    let (name, further) = Self.settings[index]
    let configuration = try configuration(name, further)
    let alone = try folder.train(configuration, in: "alone")
    for ranks in [2, 3] {
      #expect(try folder.train(configuration, ranks: ranks).hash == alone.hash, "\(ranks) ranks")
    }
    _ = try folder.train(configuration, ranks: 2, in: "parts", steps: 2)
    #expect(try folder.train(configuration, ranks: 3, in: "parts", resume: true).hash == alone.hash)
    #expect(alone.metrics.map(\.key) == ["accuracy", "top_2_accuracy", "perplexity"])
  }

  @Test func aRunLearnsAndSaysWhatItCuts() throws {
    let outcome = try folder.train(
      configuration(nil, ["model.dropout=0", "optimizer.learning_rate=0.003"], steps: 100))
    let accuracy = try #require(outcome.metrics["accuracy"])
    #expect(accuracy > 0.6, "a guess is right one time in three")
    #expect(
      outcome.notices.contains {
        $0.contains("train.csv: ") && $0.contains("longer than model.context (12 tokens)")
      })
  }

  @Test func aNewHeadIsTrainedBesideAnAdapterAndWhatIsFrozenStays() throws {
    let adapted = try folder.train(
      configuration("llama-base", ["adapter.name=lora", "adapter.rank=2"]), in: "run")
    #expect(adapted.changed.allSatisfy { $0.contains("lora_") || $0 == "score.weight" })
    #expect(adapted.changed.contains("score.weight") && adapted.changed.count == 2 * 7 * 2 + 1)
    let checkpoint = folder.path + "/run/checkpoints/step-00000005"
    let saved = try SafetensorsReader(path: checkpoint + "/adapter_model.safetensors")
    #expect(saved.tensors.contains { $0.name == "base_model.model.score.weight" })
    let description = try String(
      contentsOfFile: checkpoint + "/adapter_config.json", encoding: .utf8)
    #expect(description.contains("SEQ_CLS") && description.contains("\"score\""))
    let frozen = try folder.train(configuration("encoder", ["freeze=['bert.*']"]))
    #expect(frozen.changed == ["classifier.weight", "classifier.bias"])
  }

  @Test func aHeadBeginsWithThePoolerThatTheWeightsHave() throws {
    let configuration = try configuration("encoder", ["optimizer.learning_rate=1e-30"], steps: 1)
    _ = try folder.train(configuration, in: "run")
    let found = try SafetensorsReader(
      path: folder.path + "/run/checkpoints/step-00000001/model.safetensors")
    let base = try SafetensorsReader(
      path: TextClassifierFixture.path("encoder") + "/model.safetensors")
    #expect(
      try found.floats("bert.pooler.dense.weight") == base.floats("pooler.dense.weight"))
    #expect(try found.floats("classifier.weight").allSatisfy { $0 != 0 })
  }

  @Test(arguments: ["bert-base", "llama-base", "gpt2"], ["standard", "binary-cross-entropy"])
  func aCheckpointIsADirectoryOfTransformersAndAModelLikeAnyOther(
    name: String, loss: String
  ) throws {
    _ = try folder.train(configuration(name, ["loss.name=\(loss)"]), in: "run")
    let checkpoint = folder.path + "/run/checkpoints/step-00000005"
    let lines = expected.lines
    func scores(_ path: String) throws -> [[Double]] {
      try TextPredictor(TrainedModel.open(path, in: Workspace())).predict(lines: lines)
        .map { $0.classes.sorted { $0.name < $1.name }.map(\.probability) }
    }
    let whole = try scores(folder.path + "/run")
    // What other programs see of it.
    let copy = folder.path + "/copy"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
      try FileManager.default.copyItem(
        atPath: checkpoint + "/" + file, toPath: copy + "/" + file)
    }
    #expect(try scores(copy) == whole)
    let converted = folder.path + "/converted"
    _ = try ModelConversion(source: folder.path + "/run", output: converted)
      .run(in: Workspace())
    #expect(try scores(converted) == whole)
    let members = try #require(
      JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: copy + "/config.json"))) as? [String: Any])
    #expect(members["id2label"] as? [String: String] == ["0": "animal", "1": "colour", "2": "sky"])
    #expect(
      (members["architectures"] as? [String])?.first?.hasSuffix("ForSequenceClassification")
        == true)
    #expect(
      members["problem_type"] as? String
        == (loss == "standard" ? "single_label_classification" : "multi_label_classification"))
    let reports = try [copy, folder.path + "/run"].map {
      try ModelEvaluation(
        source: $0, options: options(data: folder.path + "/test.csv"), workspace: Workspace()
      ).run(SoloCommunicator())
    }
    #expect(reports[0].targets == 30 && reports[0].unit == "texts")
    #expect(reports[0].loss == reports[1].loss)
  }

  private func options(data: String?) -> EvaluationOptions {
    var options = EvaluationOptions()
    options.data = data
    return options
  }

  @Test(arguments: ["standard", "binary-cross-entropy"])
  func anAdaptedClassifierIsMerged(loss: String) throws {
    let settings = ["adapter.name=lora", "adapter.rank=2", "loss.name=\(loss)"]
    _ = try folder.train(configuration("encoder", settings), in: "run")
    let merged = folder.path + "/merged"
    var conversion = ModelConversion(source: folder.path + "/run", output: merged)
    conversion.mergesAdapter = true
    let outcome = try conversion.run(in: Workspace())
    #expect(try #require(outcome.merge).largestError < 1e-4)
    let (one, other) = try (
      TextPredictor(TrainedModel.open(folder.path + "/run", in: Workspace())),
      TextPredictor(TrainedModel.open(merged, in: Workspace()))
    )
    for (a, b) in try zip(one.predict(lines: expected.lines), other.predict(lines: expected.lines))
    {
      #expect(
        a.classes[0].name == b.classes[0].name
          && abs(a.classes[0].probability - b.classes[0].probability) < 1e-5)
    }
  }

  @Test func roundingThatLosesAClassifiersAdapterIsRefused() throws {
    let settings = ["adapter.name=lora", "adapter.rank=2", "optimizer.learning_rate=1e-6"]
    _ = try folder.train(configuration("encoder", settings), in: "run")
    var conversion = ModelConversion(
      source: folder.path + "/run", output: folder.path + "/merged", type: .bfloat16)
    conversion.mergesAdapter = true
    #expect(throws: LostAdapterError.self) { try conversion.run(in: Workspace()) }
    conversion.type = .float32
    let merge = try #require(try conversion.run(in: Workspace()).merge)
    #expect(merge.change < 1e-4, "what the adapter changes, not what the logits are")
  }

  @Test func linesOfJSONAreTheSameTextsAsATable() throws {
    let table = try folder.train(configuration("encoder"))
    let path = folder.path + "/train.jsonl"
    try Data(lines(rows(count: 90, seed: 1)).utf8).write(to: URL(fileURLWithPath: path))
    let lines = try folder.train(configuration("encoder", ["data.train=\(path)"]))
    #expect(lines.hash == table.hash)
  }

  // MARK: - What is wrong

  private func problem(_ settings: [String]) -> String {
    do {
      _ = try folder.train(configuration("encoder", settings))
      return "none"
    } catch {
      #expect(ExitCode(of: error) == .usage, "\(error)")
      return "\(error)"
    }
  }

  @Test(arguments: [
    ("a.csv", "label,words\nx,y\n", "has no column text"),
    ("a.csv", "label,text\nsky,\n", "a.csv: line 2: column text: is empty"),
    ("a.csv", "label,text\nx,moon\n", "line 2: found class \"animal\", expected one of those"),
    ("a.csv", "label,text\n", "has no samples"),
    ("a.jsonl", "{\"text\": \"moon\"}\n", "a.jsonl: line 1: label: is missing"),
    ("a.jsonl", "\n{\"text\": 3, \"label\": \"x\"}\n", "line 2: text: is "),
    ("a.jsonl", "{\"text\": \"moon\", \"label\": ", "line 1: not JSON"),
    ("a.jsonl", "[1]\n", "line 1: is "),
    ("a.jsonl", "{\"text\": \" \", \"label\": \"x\"}\n", "line 1: column text: is empty"),
    ("a.jsonl", "", "has no samples"),
  ])
  func whatIsWrongWithAFileIsNamed(file: String, content: String, message: String) throws {
    let path = folder.path + "/" + file
    try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    let found = problem(["data.train=\(path)"])
    #expect(found.contains(message), "\(found)")
  }

  @Test(arguments: [
    (
      ["model.architecture=mlp", "model.from=null"],
      "model.architecture: found \"mlp\", expected gpt, llama"
    ),
    (["data.target=text"], "data.target: found \"text\", expected another"),
    (["data.tokenizer=/nowhere"], "/nowhere"),
    (["loss.name=huber"], "loss.name"),
    (["model.layers=3"], "model.layers: is 3, and there 2"),
  ])
  func whatDoesNotGoTogetherIsNamed(settings: [String], message: String) {
    let found = problem(settings)
    #expect(found.contains(message), "\(found)")
  }
}
