import Foundation
import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepSettings
import LockstepTraining
import Testing

/// A configuration in which no key has its default.
private func unusualConfiguration() throws -> RunConfiguration {
  try RunConfiguration.parse(
    yaml: """
      seed: 99
      data: {train: "a: b #c", validation: null, tokenizer: "Ünï\\t\\"q\\" \\\\ 文字 \\U0001F600 \\x01"}
      model: {layers: 2, heads: 3, width: 96, context: 17, dropout: 0.3333333333333333, vocabulary: 12}
      batch: {sequences: 1, microbatches: 9}
      optimizer: {name: sgd, learning_rate: 2.5e-7, momentum: 0.9, weight_decay: 1e-5, clip_norm: 0}
      schedule: {name: linear, warmup_steps: 5, final_ratio: 0}
      reduction: canonical-int8
      steps: 123456
      evaluate: {every: 7, batches: 3}
      checkpoint: {every: 11, keep: 1, encrypt: true}
      snapshot: {every: 4}
      verify: {every: 9}
      rebalance: true
      watchdog: {notice: 3, end: 0}
      samples: {every: 5, prompts: ["In: the", ""], count: 2, max_tokens: 7, temperature: 0.25}
      report: {tensorboard: true, histograms_every: 6}
      threads: 2
      """, source: "unusual")
}

/// The same of a classification and a regression.
private func unusualPredictions() throws -> [RunConfiguration] {
  try [
    """
    task: classification
    data:
      format: idx
      train: a
      train_labels: b
      validation: c
      validation_labels: d
      classes: 7
      normalize: false
      augmentation: {shift: 1, flip: 0.25, erase: 3}
    model: {architecture: vit, patch: 7, layers: 1, heads: 2, width: 6, positions: sinusoidal}
    loss: {name: cross-entropy, label_smoothing: 0.1}
    evaluate: {top_k: 3}
    """,
    """
    task: regression
    data: {format: csv, train: a, validation: b, target: "c,\\"d\\"", columns: [e, "f: g"]}
    model: {architecture: mlp, hidden: [3, 4], activation: leaky-relu, dropout: 0.5}
    loss: {name: huber, delta: 2}
    """,
    """
    task: classification
    data: {format: csv, train: a, target: b, classes: ["1", "c: d", ""], columns: [e]}
    model: {architecture: linear}
    """.replacing("\"\"", with: "' x'"),
    """
    task: classification
    data: {format: texts, train: a, classes: "7"}
    model: {architecture: bert}
    """,
  ].map { try RunConfiguration.parse(yaml: $0, source: "unusual") }
}

@Suite struct ConfigurationWritingTests {
  @Test(arguments: [true, false])
  func whatIsWrittenReadsBackTheSame(withComments comments: Bool) throws {
    let predictions = try unusualPredictions()
    for configuration in [RunConfiguration(), try unusualConfiguration()] + predictions {
      let text = configuration.yaml(comments: comments)
      #expect(try RunConfiguration.parse(yaml: text, source: "written") == configuration)
      #expect(
        try RunConfiguration.parse(yaml: text, source: "written").yaml(comments: comments) == text)
    }
  }

  @Test(arguments: [
    "null", "true", "No", "12", "1e3", ".5", "0x1F", "-", "- a", "a: b", "a #b", "#a", "*a", "&a",
    "!a", "@a", "%a", "`a", "'a'", "\"a\"", "[a", "{a", " a", "a ", "a\nb", "\u{E000}", "~", "é",
    "\u{85}", "a,b", "?", "\u{1F600}", "2024-01-01", "a\\b", "=", "<<",
  ])
  func anyTextIsQuotedWhereItMustBe(_ text: String) throws {
    var configuration = RunConfiguration()
    configuration.data = DataConfiguration(
      .tokens(TokenDataConfiguration(train: text, validation: nil, tokenizer: text)))
    let written = configuration.yaml(comments: false)
    let read = try RunConfiguration.parse(yaml: written, source: "written")
    #expect(read.data == configuration.data)
  }

  @Test func everyKeyIsWrittenWithItsMeaning() {
    let text = RunConfiguration().yaml()
    func check(_ keys: [KeyDescription]) {
      for key in keys {
        // The keys of a list's elements are written where there are elements.
        if case .list = key.defaultValue.content, key.isSection { continue }
        let isChosen = key.condition.map { text.contains($0.description) } ?? true
        guard isChosen else { continue }
        #expect(text.contains("\(key.key):"), "\(key.key)")
        if key.isSection { check(key.children) }
      }
    }
    check(RunConfiguration.keyDescriptions)
    #expect(text.contains("  # Transformer blocks. A whole number from 1 to 1024.\n  layers: 4\n"))
    #expect(text.contains("lion, adafactor, muon, shampoo, lbfgs.\n  name: adamw\n"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func aValueThatIsNotTheDefaultIsShownWithIt() throws {
    let text = try unusualConfiguration().yaml()
    #expect(text.contains("A whole number from 1 to 1024. Default: 4.\n  layers: 2\n"))
  }
}

@Suite struct ConfigurationIdentityTests {
  @Test(arguments: [
    "evaluate.every=1", "evaluate.batches=1", "checkpoint.every=1", "checkpoint.keep=1",
    "checkpoint.encrypt=true",
    "watchdog.notice=1", "report.tensorboard=false", "report.histograms_every=3",
    "samples={every: 3, prompts: [a]}", "watchdog.end=0", "verify.every=0", "snapshot.every=3",
    "rebalance=true",
    "evaluate.top_k=3", "threads=1", "data.validation=other.bin", "model.recompute=true",
    "directory=elsewhere", "data.changed=accept",
  ])
  func whatOnlyWatchesOrStoresARunIsNotPartOfIt(_ override: String) throws {
    let changed = try RunConfiguration.parse(
      yaml: "seed: 1337", source: "run.yaml", overrides: [override])
    #expect(changed != RunConfiguration())
    #expect(changed.identity == RunConfiguration().identity)
    #expect(changed.differences(from: RunConfiguration()).isEmpty)
  }

  @Test(arguments: [
    "seed=1", "data.train=other.bin", "data.tokenizer=other.json",
    "data.documents=separate", "model.layers=5",
    "model.heads=8", "model.width=128", "model.context=64", "model.dropout=0.1",
    "model.vocabulary=5000", "batch.sequences=4", "batch.microbatches=8",
    "optimizer.learning_rate=1e-4", "optimizer.betas=[0.9, 0.99]", "optimizer.epsilon=1e-9",
    "optimizer.weight_decay=0", "optimizer.clip_norm=2", "optimizer.clip_value=1",
    "optimizer.clip_adaptive=0.1", "optimizer.l1=1e-4", "optimizer.skip_above=5",
    "optimizer.skip_window=50", "optimizer.groups=[{rate: 2}]",
    "initialization=[{method: he-normal}]", "word_vectors.path=vectors.txt",
    "early_stopping.min_improvement=1", "schedule.warmup_steps=3",
    "schedule.final_ratio=0", "reduction=allreduce", "precision=bfloat16", "products=openblas",
    "steps=2000",
    "masking.share=0.2", "masking.random=0.2", "masking.kept=0.2", "masking.span=3",
    "data.augmentation.token_dropout=0.1", "data.augmentation.span_corruption=0.1",
    "data.augmentation.corrupted_share=0.2", "data.augmentation.corrupted_span=2",
    "freeze=['*.bias']", "optimizer.layer_decay=0.9", "synchronize.every=100",
  ])
  func whatDecidesTheParametersIsPartOfIt(_ override: String) throws {
    let changed = try RunConfiguration.parse(
      yaml: "seed: 1337", source: "run.yaml", overrides: [override])
    #expect(changed.identity != RunConfiguration().identity)
    let key = String(override.prefix { $0 != "=" })
    #expect(changed.differences(from: RunConfiguration()).map(\.key) == [key])
  }

  @Test func everyKeyIsHeldByOneOfTheTwoTestsAbove() {
    let keys = RunConfiguration().settings { _ in true }.map(\.path)
    // What has only one choice, or changes other keys along with it, is not in their lists.
    let others = [
      "task", "data.format", "model.architecture", "loss.name", "optimizer.name", "schedule.name",
      "average.name", "early_stopping.patience", "evaluate.bleu", "word_vectors.trained",
      "model.from", "model.weights", "adapter.name", "synchronize.workers",
      "synchronize.outer.name", "synchronize.outer.learning_rate", "synchronize.outer.momentum",
      "privacy.epsilon", "privacy.delta", "privacy.noise", "privacy.clip", "privacy.accountant",
      "privacy.key_file", "federated.clients", "federated.clients_a_round",
      "federated.local_steps", "federated.local_epochs", "federated.method",
      "federated.server_learning_rate", "federated.server_momentum", "federated.weighting",
      "federated.partition.name", "federated.secure", "federated.dropout", "federated.deadline",
    ]
    #expect(keys.count - others.count == 20 + 46)
  }

  @Test func moreStepsMakeAnotherRunOnlyWhereTheScheduleKnowsTheEnd() throws {
    var shorter = RunConfiguration()
    shorter.schedule.shape = .constant
    var longer = shorter
    longer.steps = 5000
    #expect(longer.identity == shorter.identity)
    longer.schedule.shape = .linear(LinearShape())
    #expect(
      longer.differences(from: shorter).map { "\($0.key): \($0.stored), \($0.requested)" } == [
        "schedule.name: constant, linear", "schedule.final_ratio: absent, 0.1",
        "steps: absent, 5000",
      ])
  }

  @Test func workersAndTheirOuterStepMakeAnotherRun() throws {
    func run(_ keys: String) throws -> RunConfiguration {
      try RunConfiguration.parse(yaml: "synchronize: {\(keys)}", source: "run.yaml")
    }
    let stored = try run("every: 50, workers: 2")
    let outer = "outer: {name: sgd, learning_rate: 0.5}"
    #expect(
      try run("every: 50, workers: 4, \(outer)").differences(from: stored).map(\.key) == [
        "synchronize.workers", "synchronize.outer.name", "synchronize.outer.learning_rate",
        "synchronize.outer.momentum",
      ])
  }

  @Test func allOfPrivacyButThePathOfItsKeyMakesAnotherRun() throws {
    func run(_ keys: String, steps: Int = 100) throws -> RunConfiguration {
      try RunConfiguration.parse(
        yaml: """
          data: {validation: null}
          schedule: {name: constant}
          steps: \(steps)
          privacy: {\(keys)}
          """, source: "run.yaml")
    }
    let stored = try run("noise: 1, key_file: a")
    for (keys, differing) in [
      ("noise: 2, key_file: a", ["privacy.noise"]),
      ("noise: 1, epsilon: 3, key_file: a", ["privacy.epsilon"]),
      ("noise: 1, delta: 1e-6, key_file: a", ["privacy.delta"]),
      ("noise: 1, clip: 2, key_file: a", ["privacy.clip"]),
      ("noise: 1, accountant: rdp, key_file: a", ["privacy.accountant"]),
      ("noise: 1, key_file: b", []),
    ] {
      #expect(try run(keys).differences(from: stored).map(\.key) == differing)
    }
    #expect(try run("noise: 1, key_file: a", steps: 200).differences(from: stored).isEmpty)
    // Noise that is found for all steps is another one for more steps.
    let found = try run("epsilon: 3, key_file: a")
    #expect(
      try run("epsilon: 3, key_file: a", steps: 200).differences(from: found).map(\.key) == [
        "steps"
      ])
  }

  @Test func anotherRunIsRefusedWithEveryKeyThatDiffers() throws {
    var stored = RunConfiguration()
    stored.seed = 1
    stored.model.architecture = GPTConfiguration()
    stored.optimizer.learningRate = 0.5
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration().requireSameRun(as: stored, storedIn: "runs/a/config.yaml")
    }
    #expect(
      error?.violations.map(\.description) == [
        "runs/a/config.yaml: seed: the run holds 1, the configuration says 1337",
        "runs/a/config.yaml: optimizer.learning_rate: the run holds 0.5, the configuration says "
          + "0.001",
      ])
    #expect(
      "\(String(describing: error))".contains(
        "  to go on with what is there, add --set seed=1 --set optimizer.learning_rate=0.5; "))
    #expect(throws: Never.self) {
      try stored.requireSameRun(as: stored, storedIn: "runs/a/config.yaml")
    }
  }
}
