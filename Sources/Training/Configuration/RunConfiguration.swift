import LockstepModels
import LockstepSettings

/// Everything that a training run is told: what is trained, and how. A configuration file has the
/// keys of both beside each other; in code they may be left out, too: `configuration.steps` is
/// `configuration.plan.steps`.
@dynamicMemberLookup
public struct RunConfiguration: Configurable {
  public var recipe = Recipe()
  public var plan = Plan()
  /// What the user should know of how the overrides were taken and the weights of `model.from` were read, one
  /// sentence each; no part of what a configuration is.
  package internal(set) var notices: [String] = []

  public init() {}

  public init(recipe: Recipe, plan: Plan) {
    self.recipe = recipe
    self.plan = plan
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.recipe == right.recipe && left.plan == right.plan
  }

  public subscript<Value>(dynamicMember path: WritableKeyPath<Recipe, Value>) -> Value {
    get { recipe[keyPath: path] }
    set { recipe[keyPath: path] = newValue }
  }

  public subscript<Value>(dynamicMember path: WritableKeyPath<Plan, Value>) -> Value {
    get { plan[keyPath: path] }
    set { plan[keyPath: path] = newValue }
  }

  /// The keys in the order in which they are written and documented: that in which they are thought
  /// of, whether they say what or how. A key that is missing here comes last.
  private static let order = [
    "task", "seed", "directory", "data", "model", "adapter", "freeze", "masking", "word_vectors",
    "loss", "batch",
    "optimizer",
    "schedule", "reduction", "synchronize", "federated", "privacy", "precision", "products",
    "steps", "average",
    "early_stopping",
    "initialization",
    "evaluate", "samples",
    "checkpoint", "snapshot", "verify", "watchdog", "rebalance", "report",
    "threads",
  ]

  public static var fields: [Field<Self>] {
    let fields =
      Recipe.fields.map { Field<Self>($0, of: \.recipe) }
      + Plan.fields.map { Field<Self>($0, of: \.plan) }
    let places = fields.map { order.firstIndex(of: $0.key) ?? order.count }
    return fields.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { fields[$0] }
  }

  public func check(_ checks: inout SettingChecks) {
    recipe.check(&checks)
    plan.check(&checks)
    checks.require(
      !plan.evaluate.bleu || recipe.task == .translation, "evaluate.bleu",
      "false, because task is \(recipe.task.rawValue)", involving: "task")
    checks.require(
      recipe.data.preferences == nil || plan.batch.sequences.isMultiple(of: 2), "batch.sequences",
      "an even number, because data.format is preferences and a preference takes two",
      involving: "data.format")
    plan.samples.check(
      &checks, task: recipe.task,
      answers: recipe.data.conversations != nil || recipe.data.preferences != nil)
    checks.require(
      plan.samples.every == 0 || recipe.data.preferences == nil, "samples.every",
      "0, because data.format is preferences: generate and chat show what such a run has learned",
      involving: "data.format")
    checkLayerDecay(&checks)
    checkFederation(&checks)
    checkPrivacy(&checks)
    checkSizes(&checks)
  }

  /// Rates go by how far a parameter is from the head, which only one stack of blocks tells.
  private func checkLayerDecay(_ checks: inout SettingChecks) {
    let architecture = recipe.model.architecture
    let isOneStack =
      architecture is any TransformerArchitecture && recipe.model.kind != .sequenceToSequence
    checks.require(
      plan.optimizer.layerDecay == 1 || isOneStack, "optimizer.layer_decay",
      "1, because model.architecture is \(type(of: architecture).name), which is not one stack of blocks; "
        + "optimizer.groups gives parameters learning rates of their own",
      involving: "model.architecture")
  }

  /// The most tokens of a micro-batch, whose numbers alone take a GiB.
  static let microbatchTokenLimit = 1 << 28

  /// What must hold so that a batch can be made and everything in a run be counted.
  private func checkSizes(_ checks: inout SettingChecks) {
    let (sequences, context) = (plan.batch.sequences, max(1, recipe.model.context))
    checks.require(
      sequences <= Self.microbatchTokenLimit / context, "batch.sequences",
      "at most \(max(1, Self.microbatchTokenLimit / context)), because a micro-batch of sequences of "
        + "\(context) has at most \(Self.microbatchTokenLimit) tokens",
      involving: "model.context")
    let stepTokens = Double(sequences) * Double(context) * Double(plan.batch.microbatches)
    checks.require(
      Double(plan.steps) * stepTokens < 0x1p62, "steps",
      "at most \(Int(0x1p62 / stepTokens)), because the tokens of a run are counted",
      involving: "batch.sequences", "batch.microbatches", "model.context")
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
      if let ranks { configuration.plan.check(&checks, ranks: ranks) }
    }
  }
}
