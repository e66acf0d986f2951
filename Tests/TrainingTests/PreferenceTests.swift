import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepReporting
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Learning of preferences. scripts/check_preferences.py compares longer runs with PyTorch.
@Suite struct PreferenceTests {
  private let folder: TemporaryFolder
  private static let models = TrainedModelTests.fixtures

  init() throws { folder = try TemporaryFolder() }

  private static func path(_ name: String) -> String { models.appending(path: name).path }

  /// scripts/fixtures/preferences.py.
  private struct Fixture: Decodable {
    struct Preference: Decodable {
      let prompt: Int
      let chosen: [Int32]
      let rejected: [Int32]
    }

    struct Expected: Decodable {
      let losses: [Double]
      let norm: Double
      let loss: Double
      let margin: Double
      let accuracy: Double
      let chosenReward: Double
    }

    let preferences: [Preference]
    let rate: Double
    let beta: Double
    let labelSmoothing: Double
    let expected: [String: Expected]
  }

  private func fixture() throws -> Fixture {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Fixture.self, from: Data(contentsOf: Self.models.appending(path: "preferences.json")))
  }

  /// Writes the fixture's preferences as `lockstep prepare --preferences` would.
  ///
  /// - Parameter arePreferences: Or conversations.
  private func write(_ fixture: Fixture, arePreferences: Bool = true) throws {
    let tokenizer = CharacterTokenizer(
      scalars: Set("abcdefghijklmnopqrstuvwxyz01".unicodeScalars))
    try #require(tokenizer.vocabularyCount == 29)
    try tokenizer.save(to: folder.path + "/tokenizer.json")
    let tokens = try TokenFileWriter(
      path: folder.path + "/train.bin", vocabularyCount: tokenizer.vocabulary.textCount,
      tokenizerHash: tokenizer.contentHash)
    let marks = try TokenFileWriter(path: folder.path + "/train.mask.bin", vocabularyCount: 8)
    for preference in fixture.preferences {
      for (side, ids) in [preference.chosen, preference.rejected].enumerated() {
        try tokens.append(ids)
        try marks.append(
          ids.indices.map { place in
            place == 0
              ? 2 + (arePreferences ? Int32(4 * side) : 0) : place < preference.prompt ? 0 : 1
          })
      }
    }
    try tokens.finish()
    try marks.finish()
  }

  /// Gradient descent on all preferences, of which none has room beside another.
  private func configuration(
    _ fixture: Fixture, from: String, _ further: [String] = []
  ) throws -> RunConfiguration {
    let data = folder.path
    return try .parse(
      yaml: "{}", source: "test",
      overrides: [
        "data={format: preferences, train: \(data)/train.bin, validation: \(data)/train.bin, tokenizer: \(data)/tokenizer.json}",
        "model={from: \(from), context: 11, dropout: 0}",
        "loss={name: dpo, beta: \(fixture.beta), label_smoothing: \(fixture.labelSmoothing)}",
        "batch={sequences: 2, microbatches: 6}", "schedule={name: constant, warmup_steps: 0}",
        "optimizer={name: sgd, learning_rate: \(fixture.rate), momentum: 0, weight_decay: 0, clip_norm: 0}",
        "steps=4", "evaluate.every=0", "checkpoint.every=1",
      ] + further)
  }

  private static func adapter(from path: String? = nil) -> [String] {
    let from = path.map { ", from: \($0)" } ?? ""
    return ["adapter={name: lora, rank: 2, alpha: 6, targets: [q_proj, v_proj]\(from)}"]
  }

  private func isNear(_ found: Double?, _ expected: Double, _ tolerance: Double = 2e-5) -> Bool {
    found.map { abs($0 - expected) <= tolerance * max(1, abs(expected)) } ?? false
  }

  /// The whole model beside a second one that stays, and an adapter that begins as another one.
  @Test(arguments: ["gpt2-float32", "peft-lora"])
  func lossesAndWhatIsMeasuredEqualPyTorchs(name: String) throws {
    let fixture = try fixture()
    try write(fixture)
    let expected = try #require(fixture.expected[name])
    let configuration =
      try name == "peft-lora"
      ? configuration(
        fixture, from: Self.path("llama-tied"), Self.adapter(from: Self.path(name)))
      : configuration(fixture, from: Self.path(name))
    let outcomes = try [1, 2, 3].map { try folder.train(configuration, ranks: $0, in: "run\($0)") }
    #expect(outcomes.dropFirst().allSatisfy { $0 == outcomes[0] })
    let found = outcomes[0]
    #expect(found.losses.count == expected.losses.count)
    for (loss, exact) in zip(found.losses, expected.losses) {
      #expect(isNear(loss, exact), "\(loss) \(exact)")
    }
    #expect(isNear(found.norms.first, expected.norm))
    let evaluation = try ModelEvaluation(
      source: folder.path + "/run1", options: EvaluationOptions(), workspace: Workspace()
    ).run(SoloCommunicator())
    #expect(evaluation.unit == "preferences" && evaluation.targets == 6)
    let measured = [
      (found.measured?.loss, found.measured?.metrics), (evaluation.loss, evaluation.metrics),
    ]
    for (loss, metrics) in measured {
      #expect(isNear(loss, expected.loss))
      #expect(try RunDirectoryPage().unnamedMetrics(of: metrics?.map(\.key) ?? []) == [])
      for (key, value) in [
        ("accuracy", expected.accuracy), ("margin", expected.margin),
        ("chosen_reward", expected.chosenReward),
      ] {
        let own = metrics?.first { $0.key == key }?.value
        #expect(isNear(own, value), "\(key) \(own ?? .nan) \(value)")
      }
    }
  }

  @Test func aCopyOfTheModelAloneIsEvaluatedAsItsRun() throws {
    let fixture = try fixture()
    try write(fixture)
    _ = try folder.train(configuration(fixture, from: Self.path("gpt2-float32")), in: "run")
    let copy = folder.path + "/copy"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
    for name in ["config.yaml", "model.safetensors", "tokenizer.json"] {
      try FileManager.default.copyItem(
        atPath: folder.path + "/run/checkpoints/step-00000004/" + name, toPath: copy + "/" + name)
    }
    let (expected, found) = try (
      ModelEvaluation(
        source: folder.path + "/run", options: EvaluationOptions(), workspace: Workspace()
      ).run(SoloCommunicator()),
      ModelEvaluation(source: copy, options: EvaluationOptions(), workspace: Workspace())
        .run(SoloCommunicator())
    )
    #expect(found.loss == expected.loss && found.metrics == expected.metrics)
  }

  @Test func preferencesAreNotEvaluatedBesideOtherWeights() throws {
    let fixture = try fixture()
    try write(fixture)
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("gpt2-float32"), toPath: copy)
    _ = try folder.train(configuration(fixture, from: copy), in: "run")
    let file = URL(fileURLWithPath: copy + "/model.safetensors")
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 2] ^= 1
    try bytes.write(to: file)
    let error = #expect(throws: (any Error).self) {
      try ModelEvaluation(
        source: folder.path + "/run", options: EvaluationOptions(), workspace: Workspace()
      ).run(SoloCommunicator())
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("model.from: \(copy) had"), "\(text)")
    #expect(text.contains("put back the weights") && !text.contains("--set"), "\(text)")
  }

  /// The base of an adapter is the reference: before the first step nothing is gained, and later what an
  /// independent computation finds.
  @Test func anAdapterIsComparedWithTheModelWithoutIt() throws {
    let fixture = try fixture()
    try write(fixture)
    let base = Self.path("llama-tied")
    let configuration = try configuration(
      fixture, from: base, Self.adapter() + ["optimizer.learning_rate=2", "steps=6"])
    let found = try folder.train(configuration, in: "run")
    #expect(isNear(found.losses.first, log(2)))
    let margins = try zip(margins(folder.path + "/run", fixture), margins(base, fixture)).map {
      fixture.beta * ($0 - $1)
    }
    let mean = margins.reduce(0, +) / Double(margins.count)
    let share = Double(margins.count { $0 > 0 }) / Double(margins.count)
    #expect(abs(mean) > 0.01)
    #expect(isNear(found.measured?.metrics.first { $0.key == "margin" }?.value, mean))
    #expect(found.measured?.metrics.first { $0.key == "accuracy" }?.value == share)
  }

  /// What is kept in bfloat16 is rounded in the reference, too.
  @Test(arguments: [nil, path("peft-lora")])
  func beforeTheFirstStepNothingIsGained(adapter: String?) throws {
    let fixture = try fixture()
    try write(fixture)
    let configuration = try configuration(
      fixture, from: Self.path("llama-tied"),
      Self.adapter(from: adapter) + ["model.weights=bfloat16", "steps=1"])
    #expect(abs(try folder.train(configuration).losses[0] - log(2)) < 1e-7)
  }

  /// How much likelier a model takes each chosen answer to be, in nats.
  private func margins(_ path: String, _ fixture: Fixture) throws -> [Double] {
    let trained = try TrainedModel.open(path, in: Workspace())
    let model = try trained.languageModel()
    func loss(_ tokens: [Int32], _ prompt: Int) -> Double {
      trained.workspace.withoutRecording {
        let inputs = Indices(Array(tokens.dropLast()), shape: [1, tokens.count - 1])
        let targets = tokens.enumerated().dropFirst().map { $0 < prompt ? -1 : $1 }
        return Double(
          model.logits(of: inputs).softmaxCrossEntropy(
            targets: Indices(targets, shape: [targets.count])
          ).item)
      }
    }
    return fixture.preferences.map {
      loss($0.rejected, $0.prompt) - loss($0.chosen, $0.prompt)
    }
  }

  @Test(arguments: [false, true])
  func aResumedRunEndsWithTheSameBits(hasAdapter: Bool) throws {
    let fixture = try fixture()
    try write(fixture)
    let configuration = try configuration(
      fixture, from: Self.path("llama-tied"), hasAdapter ? Self.adapter() : [])
    let whole = try folder.train(configuration, in: "whole")
    _ = try folder.train(configuration, ranks: 2, in: "parts", steps: 2)
    let resumed = try folder.train(configuration, ranks: 3, in: "parts", resume: true)
    #expect(resumed.hash == whole.hash && resumed.measured == whole.measured)
  }

  @Test(arguments: ["refuse", "accept"])
  func aRunDoesNotGoOnWithAnotherReferenceOrNone(policy: String) throws {
    let fixture = try fixture()
    try write(fixture)
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("gpt2-float32"), toPath: copy)
    let configuration = try configuration(fixture, from: copy, ["data.changed=\(policy)"])
    _ = try folder.train(configuration, in: "run", steps: 2)
    let file = copy + "/model.safetensors"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[bytes.count - 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    let found = problem { try folder.train(configuration, in: "run", resume: true) }
    #expect(found.contains("model.from: \(copy) had"), "\(found)")
    #expect(!found.contains("data.changed"), "\(found)")
    #expect(
      problem {
        try ModelEvaluation(
          source: folder.path + "/run", options: EvaluationOptions(), workspace: Workspace())
      }.contains("model.from: \(copy) had"))
    try FileManager.default.removeItem(atPath: copy)
    #expect(
      problem { try folder.train(configuration, in: "run", resume: true) }
        .hasPrefix(
          "model.from: \(copy): no such run or checkpoint; name the directory of one, such as runs/NAME: the run goes on with the weights"
        ))
  }

  @Test(arguments: [("gpt2-float32", "gpt2-shards"), ("gpt2-shards", "gpt2-float32")])
  func aReferenceInAnotherNumberOfFilesIsAnother(before: String, after: String) throws {
    let fixture = try fixture()
    try write(fixture)
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path(before), toPath: copy)
    let configuration = try configuration(fixture, from: copy)
    _ = try folder.train(configuration, in: "run", steps: 2)
    try FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: Self.path(after), toPath: copy)
    let resuming = problem { try folder.train(configuration, in: "run", resume: true) }
    let evaluating = problem {
      try ModelEvaluation(
        source: folder.path + "/run", options: EvaluationOptions(), workspace: Workspace())
    }
    for found in [resuming, evaluating] {
      #expect(found.contains("model.from: \(copy) had"), "\(found)")
      #expect(found.contains("3 files"), "\(found)")
    }
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
    (["batch.sequences=3"], "batch.sequences: found 3, expected an even number"),
    (["loss.name=cross-entropy"], "expected dpo, because data.format is preferences"),
    (["loss.beta=0"], "loss.beta: found 0"), (["loss.label_smoothing=0.5"], "loss.label_smoothing"),
    (
      ["model={architecture: gpt, context: 11}"],
      "model.from: found nothing (the default), expected weights, because loss.name is dpo"
    ),
    (["data.format=conversations"], "expected preferences, because loss.name is dpo"),
  ])
  func whatDoesNotGoTogetherIsNamed(settings: [String], message: String) throws {
    let found = problem {
      try configuration(fixture(), from: Self.path("gpt2-float32"), settings)
    }
    #expect(found.contains(message), "\(found)")
  }

  @Test func conversationsAreNoPreferencesAndTheOtherWayRound() throws {
    let fixture = try fixture()
    try write(fixture, arePreferences: false)
    let model = Self.path("gpt2-float32")
    #expect(
      problem { try folder.train(configuration(fixture, from: model)) }
        .contains("holds conversations with one answer each, not preferences"))
    try write(fixture)
    #expect(
      problem {
        try folder.train(
          configuration(
            fixture, from: model, ["loss={name: standard}", "data.format=conversations"])
        )
      }.contains("learn from it with data.format: preferences"))
  }

  @Test func aModelThatLearnedNoPreferencesIsComparedWithItself() throws {
    let fixture = try fixture()
    try write(fixture)
    var options = EvaluationOptions()
    options.data = folder.path + "/train.bin"
    let model = folder.path + "/model"
    try FileManager.default.copyItem(atPath: Self.path("gpt2-float32"), toPath: model)
    try FileManager.default.copyItem(
      atPath: folder.path + "/tokenizer.json", toPath: model + "/tokenizer.json")
    let report = try ModelEvaluation(source: model, options: options, workspace: Workspace())
      .run(SoloCommunicator())
    #expect(isNear(report.loss, log(2)) && report.data.hasSuffix("compared with itself)"))
    let likelier = try Double(margins(model, fixture).count { $0 > 0 }) / 6
    #expect(report.metrics.first { $0.key == "likelihood_accuracy" }?.value == likelier)
  }
}
