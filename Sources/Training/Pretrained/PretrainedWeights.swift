import LockstepCheckpoints
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepSettings
import LockstepWeights

/// What a run begins with in place of random numbers: the weights of `model.from`, and of `adapter.from`.
/// Opened and checked on rank zero, from which the others get the parameters.
public struct PretrainedWeights {
  /// The files, as `data.json` records them.
  let record: [DataRecord.File]
  /// The tokenizer beside them; nil where there is none.
  let tokenizer: (any Tokenizer)?
  private let base: any WeightSource
  private let names: WeightNames
  private let adapter: (any WeightSource)?
  /// The model's parameters that the weights do not have: of a head for classes.
  private let newParameters: Set<String>
  /// T of the base, and of the model that begins with it.
  private let positions: (stored: Int, used: Int)
  /// Keeps a checkpoint from being removed by the run that it belongs to.
  private let checkpoint: Checkpoint?

  /// - Parameters:
  ///   - recipe: Its `model.from` is there, and can be opened by its path.
  ///   - named: The same as the configuration has it.
  ///   - opensAdapter: Whether `adapter.from` is opened, too. Default: yes.
  /// - Throws: `LoadingError`, `WeightError` and what else a model can not be opened for;
  ///   `OtherArchitectureError`.
  init(
    for recipe: Recipe, named: Recipe, at path: String, opensAdapter: Bool = true,
    threads: ThreadPool
  ) throws {
    let description = try ModelDescription.reading(path, threads: threads)
    if description.holdsAdapter {
      throw AdapterAsModelError(path: path)
    }
    try recipe.model.requireArchitecture(
      of: description.architecture, at: path, replacesHead: recipe.classifiesTexts)
    let classifying = recipe.classifiesTexts ? recipe.model.classifying : nil
    names = classifying?.beginningWeightNames ?? description.architecture.weightNames
    positions = (stored: description.architecture.context, used: recipe.model.context)
    checkpoint = description.checkpoint
    base = try description.weights()
    tokenizer = description.tokenizer
    if let classifying {
      newParameters = Self.newParameters(of: classifying, in: base, names)
    } else {
      newParameters = []
    }
    var record = try DataRecord.File.list("model.from", of: base, named: named.model.from ?? path)
    adapter = try (opensAdapter ? recipe.adapter.keys?.from : nil).map { path in
      let found = try PeftFormat.read(path)
      try recipe.adapter.require(found.method, at: path)
      let source = try SafetensorsReader(path: path + "/" + PeftFormat.weightsName)
      record += try DataRecord.File.list(
        "adapter.from", of: source, named: named.adapter.keys?.from ?? path)
      return source
    }
    self.record = record
  }

  /// Refuses token files that were made with another tokenizer than the model learned with: the same numbers
  /// would mean other texts.
  ///
  /// - Parameter tokenizer: That of the data; nil: not known.
  /// - Throws: `OtherTokenizerError`.
  func require(_ tokenizer: (any Tokenizer)?, path: String?) throws(OtherTokenizerError) {
    guard let tokenizer, let own = self.tokenizer, tokenizer.contentHash != own.contentHash
    else { return }
    throw OtherTokenizerError(model: base.path, path: path ?? "data.tokenizer")
  }

  /// Whether a parameter begins as its initialiser says: of an adapter, or of a head that the weights lack.
  func isNew(_ entry: ParameterStore.Entry) -> Bool {
    entry.isOfAdapter && !entry.isOfHead || newParameters.contains(entry.name)
  }

  /// The parameters of a classifier that weights do not have: the scores, which are of other classes if they are
  /// there, and what else of the head is missing.
  private static func newParameters(
    of architecture: any ClassifyingArchitecture, in source: any WeightSource,
    _ names: WeightNames
  ) -> Set<String> {
    let classifier = architecture.classifier(vocabularyCount: 1, classCount: 1)
    let scores = type(of: architecture).scoreModule + "."
    let head = classifier.namedParameters.map(\.name).filter { name in
      classifier.headModules.contains { name.hasPrefix($0 + ".") }
    }
    let known = Set(head)
    let there = Set(source.tensors.compactMap { names.parameter(of: $0.name, among: known) })
    return known.filter { $0.hasPrefix(scores) || !there.contains($0) }
  }

  /// Fills the flat buffer of values, where the weights have a tensor for it: all of the model, and its adapter
  /// where that has a source of its own.
  ///
  /// - Throws: `WeightError` that names what does not belong together.
  func fill(
    _ parameters: ParameterStore, _ values: UnsafeMutablePointer<Float>, threads: ThreadPool
  ) throws {
    let model = parameters.entries.filter { !isNew($0) }.map(\.layout)
    let source: any WeightSource =
      positions.stored == positions.used
      ? base
      : LeadingPositions(
        base, names: names, parameters: model, positions: positions.stored,
        context: positions.used)
    try parameters.read(
      from: source, names: names, into: values, where: { !isNew($0) }, threads: threads)
    if let adapter {
      try parameters.read(
        from: adapter, names: PeftFormat.names(of: names), into: values, where: \.isOfAdapter,
        threads: threads)
    } else {
      parameters.initializeMagnitudes(values)
    }
  }
}

/// What a run begins as, beside what its configuration says: on rank zero, from which the others get the
/// parameters.
package struct Beginning {
  /// Nil where the parameters begin as random numbers, or are a checkpoint's.
  var weights: PretrainedWeights?
  /// Their files, as `data.json` records them; of a run that goes on, of all that it began with.
  var record: [DataRecord.File] = []
  /// Whether the parameters are a checkpoint's; known on rank zero only.
  var isOfCheckpoint = false

  package init() {}

  fileprivate init(
    _ weights: PretrainedWeights?, record: [DataRecord.File], isOfCheckpoint: Bool = false
  ) {
    self.weights = weights
    self.record = record
    self.isOfCheckpoint = isOfCheckpoint
  }
}

extension RunConfiguration {
  /// Opens the weights that a run begins with. Collective.
  ///
  /// A run that goes on has its parameters in a checkpoint: then only what that does not hold is opened, the
  /// model of an adapter, or that which a loss compares with.
  ///
  /// - Parameter resumed: The directory of a run that goes on; nil: this one begins.
  /// - Throws: `AgreedError` with what is wrong with the weights.
  package func beginning(
    resuming resumed: RunDirectory? = nil, threads: ThreadPool, _ communicator: any Communicator
  ) throws -> Beginning {
    let located = locatingFiles().recipe
    return try communicator.agree {
      guard communicator.isRankZero else { return Beginning() }
      guard let stored = try resumed?.storedData() else {
        guard let path = located.model.from else { return Beginning() }
        let weights = try PretrainedWeights(
          for: located, named: recipe, at: path, threads: threads)
        return Beginning(weights, record: weights.record)
      }
      let record = stored.record?.files.filter(\.isOfBeginning) ?? []
      let needsReference = located.needsFrozenReference
      guard let path = located.model.from, located.adapter.keys != nil || needsReference else {
        return Beginning(nil, record: record, isOfCheckpoint: true)
      }
      let weights = try MissingBeginningError.reading {
        try PretrainedWeights(
          for: located, named: recipe, at: path, opensAdapter: needsReference, threads: threads)
      }
      let opened = weights.record.map(\.baseKey)
      return Beginning(
        weights, record: weights.record + record.filter { !opened.contains($0.baseKey) },
        isOfCheckpoint: true)
    }
  }
}

extension DataRecord.File {
  private static let beginningKeys = ["model.from", "adapter.from", "word_vectors.path"]
  /// Of whole models, in one file or several.
  static let weightKeys = ["model.from", "adapter.from", "loss.teacher"]

  /// Whether a run began with it.
  fileprivate var isOfBeginning: Bool { Self.beginningKeys.contains(baseKey) }

  /// Whether it belongs to a model that the run began with, or learns from.
  var isOfWeights: Bool { Self.weightKeys.contains(baseKey) }

  /// The files of a model's weights.
  ///
  /// - Parameters:
  ///   - key: What names them.
  ///   - named: Where they are, as the configuration has it.
  static func list(
    _ key: String, of source: any WeightSource, named: String
  ) throws -> [DataRecord.File] {
    let files = source.files
    return list(
      key, paths: files.map { _ in named },
      contents: try files.map { try ContentDigest(ofFile: $0) })
  }
}

extension ModelConfiguration {
  /// Keys that say how a network is trained, or where its weights are, not what it is.
  private static let free: Set<String> = ["from", "weights", "dropout", "recompute"]
  /// Keys of a head that fills in tokens, or continues texts.
  private static let headKeys: Set<String> = ["head", "tie_embeddings"]

  /// - Parameters:
  ///   - source: What the weights of `model.from` belong to.
  ///   - path: Where they are.
  ///   - replacesHead: Whether their head is not used.
  /// - Throws: `OtherArchitectureError` where this is not the same network.
  fileprivate func requireArchitecture(
    of source: any Architecture, at path: String, replacesHead: Bool
  ) throws(OtherArchitectureError) {
    let theirs = ModelConfiguration(source).settingNode
    let ours = settingNode
    var differences: [OtherArchitectureError.Difference] = []
    for entry in ours.entries ?? [] where !Self.free.contains(entry.key) {
      let (found, expected) = (entry.value, theirs[entry.key])
      guard found != expected else { continue }
      if replacesHead, Self.headKeys.contains(entry.key) { continue }
      // Shorter sequences see what the first positions of longer ones see.
      if entry.key == "context", context <= source.context { continue }
      differences.append(
        .init(
          key: "model." + entry.key, requested: found.summary,
          stored: expected?.summary ?? "nothing"))
    }
    if !differences.isEmpty {
      throw OtherArchitectureError(path: path, differences: differences)
    }
  }
}

/// A run that goes on without the weights that it began with, which its checkpoints do not hold.
public struct MissingBeginningError: UserInputError, Equatable {
  public let reason: String

  public var description: String {
    "model.from: \(reason): the run goes on with the weights that it began with, which its checkpoints do "
      + "not hold: put them back where they were"
  }

  fileprivate static func reading(
    _ body: () throws -> PretrainedWeights
  ) throws -> PretrainedWeights {
    do {
      return try body()
    } catch let error as LoadingError {
      throw MissingBeginningError(reason: "\(error)")
    }
  }
}

/// A `model` section that says something else than the weights it begins with.
public struct OtherArchitectureError: UserInputError, Equatable {
  public struct Difference: Equatable, Sendable {
    /// `model.layers`.
    let key: String
    let requested: String
    let stored: String
  }

  public let path: String
  public let differences: [Difference]

  public var description: String {
    let lines = differences.map { "  \($0.key): is \($0.requested), and there \($0.stored)" }
    return "\(path): model.from is another network than the `model` section says:\n"
      + lines.joined(separator: "\n")
      + "\n  leave these keys out: they follow from model.from"
  }
}

/// Data that were made tokens with another tokenizer than the weights learned with.
public struct OtherTokenizerError: UserInputError, Equatable {
  /// The weights.
  public let model: String
  /// The data's tokenizer.
  public let path: String

  public var description: String {
    "data.tokenizer: \(path) is another tokenizer than the one beside \(model), so that the same numbers "
      + "would mean other texts: prepare the data with that one"
  }
}

/// A run that begins with the weights of one that has only an adapter.
public struct AdapterAsModelError: UserInputError, Equatable {
  public let path: String

  public var description: String {
    "\(path): model.from: holds an adapter, not a model: fold it into its model first with lockstep merge, "
      + "or name its directory in adapter.from"
  }
}

extension AdapterConfiguration {
  /// - Throws: `DescriptionError` where an adapter that was read is of another form than this section says.
  fileprivate func require(_ found: Method, at path: String) throws(DescriptionError) {
    guard let form = AdapterConfiguration(found).form, form != self.form else { return }
    // What is dropped in training is no part of an adapter.
    var theirs = form
    theirs.dropout = self.form?.dropout ?? 0
    if theirs == self.form { return }
    throw DescriptionError(
      path: path + "/" + PeftFormat.configurationName,
      problems: [
        "is \(found.variantName) of rank \(form.rank) with a scale of \(form.scale), and `adapter` says "
          + "\(method.variantName) of rank \(self.form?.rank ?? 0) with \(self.form?.scale ?? 0)"
      ])
  }
}
