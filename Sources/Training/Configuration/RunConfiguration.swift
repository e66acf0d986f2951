import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepSettings

/// What a run learns to do.
public enum TaskName: String, SettingChoice {
  case languageModeling = "language-modeling"
  case maskedLanguageModeling = "masked-language-modeling"
  case translation
  case classification
  case regression

  public var documentation: String {
    switch self {
    case .languageModeling: "Predict each token from those before it."
    case .maskedLanguageModeling: "Predict hidden tokens from all others."
    case .translation: "Write a text's translation, from pairs of texts."
    case .classification: "Predict the class of a sample: of an image, or of a table's row."
    case .regression: "Predict a value from a table's row."
    }
  }

  /// The models that can learn it.
  public var modelKind: ModelKind {
    switch self {
    case .languageModeling: .language
    case .maskedLanguageModeling: .maskedLanguage
    case .translation: .sequenceToSequence
    case .classification, .regression: .prediction
    }
  }

  /// The names of the formats of data that it can be learned from, and whether this is one.
  func takes(_ format: DataConfiguration.Format) -> (isTaken: Bool, expected: String) {
    switch (self, format) {
    case (.languageModeling, .tokens), (.maskedLanguageModeling, .tokens): (true, "tokens")
    case (.languageModeling, _), (.maskedLanguageModeling, _): (false, "tokens")
    case (.translation, .pairs): (true, "pairs")
    case (.translation, _): (false, "pairs")
    case (.classification, .idx), (.classification, .csv): (true, "idx or csv")
    case (.classification, _): (false, "idx or csv")
    case (.regression, .csv): (true, "csv")
    case (.regression, _): (false, "csv")
    }
  }
}

/// How the ranks' gradients are added up.
public enum ReductionMethod: String, SettingChoice {
  case canonical
  case allreduce

  public var documentation: String {
    switch self {
    case .canonical: "In the order of one tree, whatever the number of ranks: always equal bits."
    case .allreduce: "By `MPI_Allreduce`, in an order that depends on the number of ranks."
    }
  }
}

/// Everything that a training run is told: the sections, each declared beside what it configures,
/// and the few keys that belong to the run itself.
public struct RunConfiguration: Configurable {
  public var task = TaskName.languageModeling
  public var seed = 1337
  public var data = DataConfiguration()
  public var model = ModelConfiguration()
  public var masking = MaskingConfiguration()
  public var wordVectors = WordVectorConfiguration()
  public var loss = LossConfiguration()
  public var batch = BatchConfiguration()
  public var optimizer = OptimizerConfiguration()
  public var schedule = ScheduleConfiguration()
  public var reduction = ReductionMethod.canonical
  /// Optimiser steps from the start of the run to its end.
  public var steps = 1000
  public var average = AveragingConfiguration()
  public var earlyStopping = EarlyStoppingConfiguration()
  public var initialization: [InitializationRule] = []
  public var evaluate = EvaluationConfiguration()
  public var checkpoint = CheckpointConfiguration()
  /// Threads of one rank; 0 takes the rank's share of the processors it may use.
  public var threads = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("task", \.task, meaning: "What the model learns to do."),
      Field(
        "seed", \.seed, .atLeast(0),
        meaning: "Decides every random number: initial weights, order of the data, dropout."),
      Field("data", \.data, meaning: "The files to learn from."),
      Field("model", \.model, meaning: "The network."),
      Field("masking", \.masking, meaning: "What `masked-language-modeling` hides."),
      Field(
        "word_vectors", \.wordVectors,
        meaning: "Pretrained vectors that the token embedding begins with."),
      Field("loss", \.loss, meaning: "What is made small."),
      Field("batch", \.batch, meaning: "How much is learned from at each step."),
      Field("optimizer", \.optimizer, meaning: "How the weights follow the gradient."),
      Field("schedule", \.schedule, meaning: "How the learning rate changes, in optimiser steps."),
      Field(
        "reduction", \.reduction, meaning: "How the gradients of all micro-batches are added up."),
      Field(
        "steps", \.steps, .atLeast(1),
        meaning: "Optimiser steps of the whole run, resumed ones included."),
      Field("average", \.average, meaning: "Averaging the weights over steps."),
      Field(
        "early_stopping", \.earlyStopping, meaning: "Ending the run when it no longer improves."),
      Field(
        "initialization", \.initialization,
        meaning:
          "How parameters are filled in place of the model's own way; each by the first rule whose "
          + "pattern matches its name."),
      Field(
        "evaluate", \.evaluate, decidesResult: false,
        meaning: "Measuring the loss on held-out data."),
      Field(
        "checkpoint", \.checkpoint, decidesResult: false,
        meaning: "Saving the run, so that it can be resumed."),
      Field(
        "threads", \.threads, .within(0...4096), decidesResult: false,
        meaning: "Threads of one rank; `0` takes the rank's share of the processors it may use."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      schedule.warmupSteps <= steps, "schedule.warmup_steps", "at most steps (\(steps))",
      involving: "steps")
    checks.require(
      model.kind == task.modelKind, "model.architecture",
      "\(task.modelKind.architectureNames), because task is \(task.rawValue)", involving: "task")
    let format = task.takes(data.format)
    checks.require(
      format.isTaken, "data.format", "\(format.expected), because task is \(task.rawValue)",
      involving: "task")
    checks.require(
      loss.kind.suits(task), "loss.name", "a loss for \(task.rawValue)", involving: "task")
    checks.require(
      !evaluate.bleu || task == .translation, "evaluate.bleu",
      "false, because task is \(task.rawValue)", involving: "task")
    if wordVectors.path != nil {
      checks.require(
        task == .languageModeling, "word_vectors.path", "null, because task is \(task.rawValue)",
        involving: "task")
      checks.require(
        data.tokens == nil || data.tokens?.tokenizer != nil, "word_vectors.path",
        "null, because data.tokenizer is null and no token is known to be a word",
        involving: "data.tokenizer")
    }
    if needsEvaluations {
      checks.require(
        evaluate.every > 0, "evaluate.every",
        "above 0, because schedule.name: plateau and early_stopping go by evaluations",
        involving: "schedule.name", "early_stopping.patience")
    }
    if model.kind != .prediction, let tokens = data.tokens {
      checks.require(
        tokens.tokenizer != nil || model.vocabulary != nil, "model.vocabulary",
        "a number, because data.tokenizer is null", involving: "data.tokenizer")
      check(tokens, &checks)
    }
  }

  /// What must hold between token files and the rest.
  private func check(_ tokens: TokenDataConfiguration, _ checks: inout SettingChecks) {
    checks.require(
      tokens.documents == .joined || task == .languageModeling, "data.documents",
      "joined, because task is \(task.rawValue)", involving: "task")
    guard tokens.augmentation.spanCorruption > 0 else { return }
    checks.require(
      tokens.documents == .joined, "data.documents",
      "joined, because corrupted spans move what follows them",
      involving: "data.augmentation.span_corruption")
    let key = "data.augmentation.span_corruption"
    checks.require(
      task == .languageModeling, key, "0, because task is \(task.rawValue)", involving: "task")
    checks.require(
      tokens.tokenizer != nil, key, "0, because data.tokenizer is null and has no sentinels",
      involving: "data.tokenizer")
    checks.require(
      model.context >= SpanCorruption.leastPositions, "model.context",
      "at least \(SpanCorruption.leastPositions), to have room for a corrupted span", involving: key
    )
  }

  /// The special tokens that the task adds to the tokenizer's.
  var addedTokens: [String] {
    switch task {
    case .maskedLanguageModeling: [Vocabulary.maskName]
    case .languageModeling:
      data.tokens?.augmentation.sentinelNames(positions: model.context) ?? []
    case .translation, .classification, .regression: []
    }
  }

  /// Whether evaluations decide how the run goes on, and not only watch it.
  var needsEvaluations: Bool { schedule.plateau != nil || earlyStopping.isOn }

  /// What must hold between the configuration and the number of ranks.
  private func check(_ checks: inout SettingChecks, ranks: Int) {
    checks.require(
      ranks <= batch.microbatches, "batch.microbatches",
      "at least the number of ranks (\(ranks)), so that each has a micro-batch to compute")
  }

  /// Checks a configuration that was made in code, for a run on `ranks` ranks.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public func validate(ranks: Int) throws(ConfigurationError) {
    _ = try Self(readFrom: settingNode, ranks: ranks)
  }

  /// Reads a configuration, for a run on `ranks` ranks if that is known.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong, `earlier` included.
  package init(
    readFrom tree: SettingNode, earlier: [Violation] = [], ranks: Int?
  ) throws(ConfigurationError) {
    try self.init(settings: tree, earlier: earlier) { configuration, checks in
      if let ranks { configuration.check(&checks, ranks: ranks) }
    }
  }
}
