import Foundation
import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepSettings
import LockstepTraining
import TestSupport
import Testing

@Suite struct ConfigurationReadingTests {
  @Test func theContractsExampleIsRead() throws {
    let configuration = try RunConfiguration.parse(
      yaml: """
        task: language-modeling
        seed: 7
        data: {train: a/train.bin, validation: a/validation.bin, tokenizer: a/tokenizer.json}
        model: {architecture: gpt, layers: 3, heads: 2, width: 64, context: 32, dropout: 0.1}
        batch: {sequences: 2, microbatches: 16}
        optimizer:
          name: adamw
          learning_rate: 1e-3
          betas: [0.9, 0.95]
          weight_decay: 0.1
          clip_norm: 1.0
        schedule: {name: linear, warmup_steps: 50, final_ratio: 0.2}
        reduction: allreduce
        steps: 100
        evaluate: {every: 10, batches: 0}
        checkpoint: {every: 25, keep: 1, encrypt: true}
        """, source: "run.yaml", ranks: 16)
    let gpt = GPTConfiguration(layers: 3, heads: 2, width: 64, context: 32, dropout: 0.1)
    #expect(configuration.seed == 7)
    #expect(configuration.data.tokens?.train == OneOrMore(TokenSource(path: "a/train.bin")))
    #expect(configuration.model == ModelConfiguration(gpt))
    #expect(gpt.headWidth == 32)
    #expect(configuration.batch.microbatches == 16)
    #expect(configuration.optimizer == OptimizerConfiguration())
    #expect(configuration.schedule.shape.variantName == "linear")
    #expect(configuration.schedule.warmupSteps == 50)
    #expect(configuration.reduction == .allreduce)
    #expect(configuration.evaluate.batches == 0)
    #expect(configuration.checkpoint.keep == 1)
    #expect(configuration.checkpoint.encrypt)
    #expect(configuration.threads == 0)
  }

  @Test func overridesWinOverTheFileAndTheLastOverTheFirst() throws {
    let configuration = try RunConfiguration.parse(
      yaml: "steps: 10\noptimizer: {name: adamw, betas: [0.8, 0.9]}", source: "run.yaml",
      overrides: [
        "steps=20", "optimizer.betas=[0.5, 0.6]", "steps=30", "data.tokenizer=",
        "model.vocabulary=100", "schedule={name: constant}", "data.train=a b/c=d.bin",
      ])
    #expect(configuration.steps == 30)
    var adamw = AdamW()
    adamw.betas = [0.5, 0.6]
    #expect(configuration.optimizer.method == .adamw(adamw))
    #expect(configuration.data.tokens?.tokenizer == nil)
    #expect(configuration.data.tokens?.train == OneOrMore(TokenSource(path: "a b/c=d.bin")))
    #expect(configuration.schedule.shape == .constant)
  }

  @Test(arguments: [
    (
      "optimizer: sgd", "optimizer.learning_rate=0.1",
      "optimizer.learning_rate: would discard optimizer, which is \"sgd\" (run.yaml:1): "
        + "write optimizer: {name: sgd}"
    ),
    (
      "schedule: [cosine]", "schedule.warmup_steps=2",
      "schedule.warmup_steps: would discard schedule, which is [\"cosine\"] (run.yaml:1): "
        + "give the whole of schedule, in brackets"
    ),
    (
      "data:\n  augmentation: 0.1", "data.augmentation.token_dropout=0.2",
      "data.augmentation.token_dropout: would discard data.augmentation, which is 0.1 (run.yaml:2): "
        + "data.augmentation takes keys, such as token_dropout"
    ),
    (
      "steps: 7", "steps.warmup=2",
      "steps.warmup: would discard steps, which is 7 (run.yaml:1): steps has no keys below it"
    ),
    (
      "data: {train: [a.bin, b.bin]}", "data.train.weight=2",
      "data.train.weight: would discard data.train, which is [\"a.bin\", \"b.bin\"] (run.yaml:1): "
        + "give the whole of data.train, in brackets"
    ),
    (
      "data: {train: ~}", "data.train.weight=2",
      "data.train.weight: would discard data.train, which is nothing (run.yaml:1): "
        + "data.train takes keys, such as path"
    ),
    (
      "initialization: [{method: zeros}]", "initialization.method=ones",
      "initialization.method: would discard initialization, which is a list of 1 (run.yaml:1): "
        + "give the whole of initialization, in brackets"
    ),
  ])
  func anOverrideNeverDiscardsWhatItGoesInto(
    _ yaml: String, _ override: String, _ message: String
  ) {
    let found = problems(yaml, overrides: [override])
    #expect(found.contains("--set \(override): \(message)"), "\(found)")
  }

  @Test func aShorthandAndAnEmptySectionTakeOverrides() throws {
    let configuration = try RunConfiguration.parse(
      yaml: "data: {train: a.bin}\noptimizer:\nschedule: ~", source: "run.yaml",
      overrides: ["data.train.weight=3", "optimizer.name=sgd", "schedule.warmup_steps=9"])
    #expect(
      configuration.data.tokens?.train == OneOrMore(TokenSource(path: "a.bin", weight: 3)))
    #expect(configuration.optimizer.method.variantName == "sgd")
    #expect(configuration.schedule.warmupSteps == 9)
  }

  @Test func theOrderOfOverridesLosesNothing() throws {
    let section = "optimizer={name: sgd, learning_rate: 0.5}"
    let configuration = try RunConfiguration.parse(
      yaml: "steps: 9", source: "run.yaml", overrides: [section, "optimizer.learning_rate=0.25"])
    #expect(configuration.optimizer.method.variantName == "sgd")
    #expect(configuration.optimizer.learningRate == 0.25)
    #expect(
      problems("steps: 9", overrides: ["optimizer.learning_rate=0.25", section]) == [
        "--set \(section): optimizer: would discard --set optimizer.learning_rate=0.25: "
          + "give optimizer first"
      ])
  }

  @Test(arguments: ["data.train=a #1.bin", "data.validation=#1", "seed=&x 5", "seed=5 # five"])
  func anOverrideOfWhichYAMLWouldDropAPartIsRefused(_ override: String) {
    let found = problems("steps: 9", overrides: [override])
    #expect(found.count == 1 && found[0].contains("put the value in quotes"), "\(found)")
  }

  @Test func everythingThatIsWrongIsReportedTogether() {
    let found = problems(
      """
      steps: 10
      model:
        layers: none
        heads: 5
        depth: 4
      optimizer:
        name: sgd
        history: 5
      schedule: {warmup_steps: 11}
      steps: 20
      lr: 1
      """, overrides: ["batch.microbatches=2", "seed=-1", "seeds", "a..b=1", "threads=[1"],
      ranks: 3)
    #expect(
      found == [
        "run.yaml:3: model.layers: found \"none\", expected a whole number from 1 to 1024",
        "run.yaml:4: model.heads: found 5, expected a divisor of width (256)",
        "run.yaml:5: model.depth: unknown key; "
          + "the keys here are from, weights, architecture, layers, heads, width, context, "
          + "dropout, recompute, vocabulary",
        "run.yaml:8: optimizer.history: a key of name: lbfgs, but here name is sgd: leave it out, or choose another name",
        "run.yaml:9: schedule.warmup_steps: found 11, expected at most steps (10)",
        "run.yaml:10: steps: the key occurs twice, first at run.yaml:1: keep one",
        "run.yaml:11: lr: unknown key; did you mean optimizer.learning_rate?",
        "--set seeds: expected key.path=value, such as optimizer.learning_rate=3e-4",
        "--set a..b=1: expected key.path=value, such as optimizer.learning_rate=3e-4",
        "--set threads=[1: not YAML: while parsing a flow sequence, "
          + "did not find expected ',' or ']'",
        "--set seed=-1: seed: found -1, expected a whole number of at least 0",
        "--set batch.microbatches=2: batch.microbatches: found 2, expected at least the number of "
          + "ranks (3), so that each has a micro-batch to compute",
      ])
  }

  @Test(arguments: [
    ("data.augmentation.flip=0.5", "idx", "tokens"),
    ("data={format: idx, augmentation: {token_dropout: 0.1}}", "tokens", "idx"),
  ])
  func aKeyBelowASectionOfAnotherChoiceIsAnErrorThatSaysWhose(
    setting: String, owner: String, chosen: String
  ) {
    let found = problems("steps: 9", overrides: [setting])
    #expect(
      found.contains {
        $0.contains("a key of format: \(owner)") && $0.contains("but here format is \(chosen)")
      }, "\(found)")
  }

  @Test func moreRanksThanMicrobatchesAreRefused() {
    #expect(problems("steps: 10", ranks: 4) == [])
    #expect(
      problems("steps: 10", ranks: 5) == [
        "run.yaml:1: batch.microbatches: found 4 (the default), expected at least the number of "
          + "ranks (5), so that each has a micro-batch to compute"
      ])
    #expect(throws: ConfigurationError.self) { try RunConfiguration().validate(ranks: 5) }
    #expect(throws: Never.self) { try RunConfiguration().validate(ranks: 4) }
  }

  @Test func oneTokenFileOrSeveralWithWeights() throws {
    func train(_ yaml: String) throws -> [TokenSource]? {
      let configuration = try RunConfiguration.parse(
        yaml: "data: {train: \(yaml)}", source: "run.yaml")
      let written = configuration.yaml(comments: false)
      #expect(try RunConfiguration.parse(yaml: written, source: "written") == configuration)
      #expect(configuration.identity.contains("data.train: "))
      return configuration.data.tokens?.train.elements
    }
    #expect(try train("a.bin") == [TokenSource(path: "a.bin")])
    #expect(try train("[a.bin, b.bin]") == ["a.bin", "b.bin"].map { TokenSource(path: $0) })
    #expect(
      try train("[{path: a.bin, weight: 3}, b.bin]")
        == [TokenSource(path: "a.bin", weight: 3), TokenSource(path: "b.bin")])
    #expect(try train("{path: a.bin, weight: 3}") == [TokenSource(path: "a.bin", weight: 3)])
  }

  @Test func wrongTokenFilesAreReportedWithTheirPlace() {
    #expect(
      problems("data: {train: [a.bin, {path: b.bin, weight: 0}, {weight: 1, file: c}, 3, []]}")
        == [
          "run.yaml:1: data.train[1].weight: found 0, expected a number above 0",
          "run.yaml:1: data.train[2].file: unknown key; the keys here are path, weight",
          "run.yaml:1: data.train[4]: found [], expected a path, or {path, weight}",
        ])
    let expected = "expected a path, or {path, weight}, or a list of at least one such"
    #expect(problems("data: {train: []}") == ["run.yaml:1: data.train: found [], \(expected)"])
    #expect(problems("data: {train: ~}") == ["run.yaml:1: data.train: found nothing, \(expected)"])
    #expect(
      problems("data: {validation: []}") == [
        "run.yaml:1: data.validation: found [], expected text, or a list of at least one such"
      ])
  }

  @Test func sizesThatCanNotBeCountedAreRefused() {
    #expect(
      problems("batch: {sequences: 65536}\nmodel: {context: 8192}") == [
        "run.yaml:1: batch.sequences: found 65536, expected at most 32768, because a micro-batch of "
          + "sequences of 8192 has at most 268435456 tokens"
      ])
    #expect(
      problems("steps: 1e12\nbatch: {sequences: 65536, microbatches: 4096}")
        .first?.hasPrefix("run.yaml:1: steps: found 1000000000000, expected at most ") == true)
    #expect(problems("steps: 1e12\nbatch: {sequences: 128, microbatches: 32}") == [])
    #expect(
      problems("model: {dropout: 0.9999999999999999}").first?.contains("to below 1") == true)
  }

  @Test func separateDocumentsNeedATokenizer() {
    #expect(
      problems("data: {tokenizer: ~, documents: separate}\nmodel: {vocabulary: 9}") == [
        "run.yaml:1: data.documents: found \"separate\", "
          + "expected joined, because data.tokenizer is null and no token is known to end a text"
      ])
  }

  @Test func withoutATokenizerTheVocabularyMustBeGiven() {
    #expect(
      problems("data:\n  tokenizer: null") == [
        "run.yaml:2: model.vocabulary: found nothing (the default), "
          + "expected a number, because data.tokenizer is null"
      ])
    #expect(problems("data: {tokenizer: ~}\nmodel: {vocabulary: 50257}") == [])
  }

  @Test(arguments: [
    ("a: [1, 2", 1), ("steps: 1\n  seed: 2", 2), ("steps: 1\n\tseed: 2", 2), ("a: 'x", 1),
    ("a: 1\n---\nb: 2", 2), ("a: *b", 1),
  ])
  func brokenYAMLIsReportedWithItsLine(_ yaml: String, _ line: Int) {
    let found = problems(yaml)
    #expect(found.count == 1)
    #expect(found.first?.contains("not YAML") == true, "\(found)")
    let lines = line..<(line + 2)  // Some errors are only noticed at the start of the next line.
    #expect(lines.contains { found.first?.hasPrefix("run.yaml:\($0): ") == true }, "\(found)")
  }

  @Test(arguments: ["", "\n\n", "# nothing but a comment\n", "---\n", "null"])
  func anEmptyFileIsRefused(_ yaml: String) {
    let found = problems(yaml)
    #expect(found.count == 1)
    #expect(found.first?.contains("the file is empty") == true)
  }

  @Test(arguments: ["steps", "[steps]", "12"])
  func whatIsNoMapIsRefused(_ yaml: String) {
    #expect(problems(yaml).first?.contains("expected a map of keys") == true)
  }

  @Test func noTextEndsInAnythingButAConfigurationOrItsErrors() {
    let text = Array(RunConfiguration().yaml().utf8)
    let alphabet = Array("{}[]:,-#&*!|>'\"%@` \n\t0aé\u{0}\u{7f}?~".utf8) + [0xC3, 0xFF]
    var generator = SeededGenerator(seed: 200)
    for _ in 0..<300 {
      var bytes = text
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let length = Int.random(in: 0..<40, using: &generator)
      bytes.removeSubrange(start..<min(bytes.count, start + length))
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0...bytes.count, using: &generator)
        let byte = alphabet.randomElement(using: &generator)
        bytes.insert(contentsOf: [byte].compactMap(\.self), at: place)
      }
      let mutated = String(decoding: bytes, as: UTF8.self)
      // Reading it must end, and not by a trap.
      _ = try? RunConfiguration.parse(yaml: mutated, source: "mutated.yaml")
    }
  }

  @Test func duplicateKeysAreFoundAtAnyDepthAndInAnyNotation() {
    #expect(
      problems("model: {'width': 8, heads: 1, \"width\": 16, width: 8}\nseed: 1\nseed: x") == [
        "run.yaml:1: model.width: the key occurs twice, first at run.yaml:1: keep one",
        "run.yaml:1: model.width: the key occurs twice, first at run.yaml:1: keep one",
        "run.yaml:3: seed: the key occurs twice, first at run.yaml:2: keep one",
      ])
  }

  @Test func filesThatCannotBeReadAreNamed() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-configuration-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let binary = folder.appendingPathComponent("train.bin")
    try Data([0x88, 0xD8, 0x34, 0x01]).write(to: binary)
    let wide = folder.appendingPathComponent("wide.yaml")
    try Data([0xFF, 0xFE, 0x73, 0x00]).write(to: wide)
    for (path, problem) in [
      (wide.path, "begins with the byte order mark of UTF-16"),
      (folder.path + "/none.yaml", "no such file"), (folder.path, "a directory"),
      (binary.path, "not UTF-8 text"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try RunConfiguration.load(path: path)
      }
      #expect(error?.description.hasPrefix("\(path): \(problem)") == true, "\(error as Any)")
    }
    let text = folder.appendingPathComponent("run.yaml")
    try Data("steps: 12".utf8).write(to: text)
    #expect(try RunConfiguration.load(path: text.path, overrides: ["seed=3"]).steps == 12)
    try Data("\u{FEFF}steps: 12".utf8).write(to: text)
    #expect(try RunConfiguration.load(path: text.path).steps == 12)
  }
}
