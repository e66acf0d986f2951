import LockstepDatasets
import LockstepModels
import LockstepSettings

/// What is trained: the task, the data, the model, what it begins as and what is made small.
///
/// Everything that the model *is* belongs here, and everything that decides what the loss of a sample
/// means. How the loss is made small is the `Plan`'s. The seed is the plan's, too: two seeds are two
/// trainings of one recipe.
public struct Recipe: Configurable {
  public var task = TaskName.languageModeling
  /// Where relative paths start; nil: the current directory.
  public var directory: String?
  public var data = DataConfiguration()
  public var model = ModelConfiguration()
  public var adapter = AdapterConfiguration()
  /// Patterns of the names of parameters that stay as they begin.
  public var freeze: [String] = []
  public var masking = MaskingConfiguration()
  public var wordVectors = WordVectorConfiguration()
  public var loss = LossConfiguration()
  public var initialization: [InitializationRule] = []

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("task", \.task, meaning: "What the model learns to do."),
      Field(
        "directory", \.directory, .ifPresent(.path), decidesResult: false,
        meaning:
          "Where relative paths of this file start; `null`: the directory that the command is run in. "
          + "The `config.yaml` of a run has it in full, so that its data are found from anywhere."),
      Field("data", \.data, meaning: "The files to learn from."),
      Field("model", \.model, meaning: "The network."),
      Field(
        "adapter", \.adapter, meaning: "What is trained in place of the model's own parameters."),
      Field(
        "freeze", \.freeze, .elements(.notEmpty),
        meaning:
          "Patterns of names of parameters, as in checkpoints, that stay as they begin: `*` stands for any "
          + "characters, `?` for one. They take no gradient and no optimiser state."),
      Field("masking", \.masking, meaning: "What `masked-language-modeling` hides."),
      Field(
        "word_vectors", \.wordVectors,
        meaning: "Pretrained vectors that the token embedding begins with."),
      Field("loss", \.loss, meaning: "What is made small."),
      Field(
        "initialization", \.initialization,
        meaning:
          "How parameters are filled in place of the model's own way; each by the first rule whose "
          + "pattern matches its name."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      model.kind != .encoder || task != .maskedLanguageModeling, "model.head",
      "true, because task is \(task.rawValue)", involving: "task")
    if classifiesTexts {
      checks.require(
        model.classifying != nil, "model.architecture",
        "\(ModelConfiguration.classifyingNames), because data.format is texts",
        involving: "data.format")
    } else {
      checks.require(
        model.kind == task.modelKind || model.kind == .encoder && task == .maskedLanguageModeling,
        "model.architecture",
        "\(task.modelKind.architectureNames), because task is \(task.rawValue)", involving: "task")
    }
    checks.require(
      task.dataFormats.contains(data.format.variantName), "data.format",
      "\(task.dataFormatChoice), because task is \(task.rawValue)",
      involving: "task")
    checks.require(
      loss.kind.suits(task), "loss.name", "a loss for \(task.rawValue)", involving: "task")
    if case .csv(let table) = data.format {
      checks.require(
        table.classes == nil || task == .classification, "data.classes",
        "null, because task is \(task.rawValue)", involving: "task")
    }
    checkPreferences(&checks)
    checkTeacher(&checks)
    checkBeginning(&checks)
    if wordVectors.path != nil {
      checks.require(
        task == .languageModeling, "word_vectors.path", "null, because task is \(task.rawValue)",
        involving: "task")
      checks.require(
        data.tokens == nil || data.tokens?.tokenizer != nil, "word_vectors.path",
        "null, because data.tokenizer is null and no token is known to be a word",
        involving: "data.tokenizer")
      checks.require(
        data.conversations == nil && data.preferences == nil, "word_vectors.path",
        "null, because data.format is \(data.format.variantName)", involving: "data.format")
    }
    if model.kind != .prediction, let tokens = data.tokens {
      checks.require(
        tokens.tokenizer != nil || model.vocabulary != nil, "model.vocabulary",
        "a number, because data.tokenizer is null", involving: "data.tokenizer")
      check(tokens, &checks)
    }
  }

  /// Preferences have a loss of their own, and that loss a model to compare with.
  private func checkPreferences(_ checks: inout SettingChecks) {
    let isPreference = loss.kind.preference != nil
    checks.require(
      isPreference || data.preferences == nil, "loss.name",
      "dpo, because data.format is preferences", involving: "data.format")
    checks.require(
      data.preferences != nil || !isPreference || task != .languageModeling, "data.format",
      "preferences, because loss.name is dpo", involving: "loss.name")
    checks.require(
      !isPreference || model.from != nil, "model.from",
      "weights, because loss.name is dpo, which compares with the model that the run begins as",
      involving: "loss.name")
  }

  /// A teacher must be named, and know what it is asked.
  private func checkTeacher(_ checks: inout SettingChecks) {
    guard let distillation = loss.kind.distillation else { return }
    checks.require(
      distillation.teacher != nil, "loss.teacher",
      "a language model, because loss.name is distillation", involving: "loss.name")
  }

  /// Whether it learns to sort texts into classes: by a model of texts with a head of its own.
  var classifiesTexts: Bool { task == .classification && data.texts != nil }

  /// What must hold between what the model begins as and the rest.
  private func checkBeginning(_ checks: inout SettingChecks) {
    checks.require(
      adapter.keys == nil || model.from != nil, "adapter.name",
      "none, because model.from is null and there are no weights to adapt", involving: "model.from")
    checks.require(
      adapter.keys != nil || model.weights == .float32, "model.weights",
      "float32, because there is no adapter and all of the model belongs to the result",
      involving: "adapter.name")
    checks.require(
      model.from == nil || model.kind == .language || model.kind == .maskedLanguage
        || classifiesTexts, "model.from",
      "null, because \(type(of: model.architecture).name) is no model of texts that others train",
      involving: "model.architecture")
    checks.require(
      model.from == nil || wordVectors.path == nil, "word_vectors.path",
      "null, because model.from already says what the token embedding begins as",
      involving: "model.from")
    checks.require(
      model.from == nil || initialization.isEmpty, "initialization",
      "no rules, because model.from already says what all parameters begin as",
      involving: "model.from")
    checks.require(
      adapter.keys == nil || freeze.isEmpty, "freeze",
      "no patterns, because with an adapter all of the model stays as it begins",
      involving: "adapter.name")
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
}
