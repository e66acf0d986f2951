import LockstepFiles
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepSettings
import LockstepTensors
import LockstepWeights

/// An adapter in a directory, and the model elsewhere that it belongs to: together a model.
final class StoredAdapter: Sendable {
  /// The directory of the adapter.
  let path: String
  let configuration: AdapterConfiguration
  /// The model that it belongs to.
  let base: ModelDescription
  /// Positions that the adapted model has; at most the base's.
  private let context: Int
  /// What the model's matrices were rounded to while the adapter was trained; nil: nothing.
  private let baseForm: CompactForm?
  /// Whether its tensors say which layers it changes, and not its targets.
  private let isForeign: Bool

  /// The adapter of a run.
  ///
  /// - Parameters:
  ///   - directory: Of the adapter.
  ///   - recipe: Of the run, with paths that can be opened here.
  ///   - from: Its `model.from`.
  ///   - named: The same as the configuration has it.
  /// - Throws: `MissingBaseError`, `OtherWeightsError`, or what else the model can not be described for.
  fileprivate init(
    in directory: String, of recipe: Recipe, from: String, named: String, threads: ThreadPool
  ) throws {
    path = directory
    configuration = recipe.adapter
    base = try MissingBaseError.reading(from, of: directory, threads: threads)
    if try FileSystem.exists(directory + "/" + DataRecord.fileName) {
      try DataRecord.requireWeights(
        DataRecord.File.list("model.from", of: base.weights(), named: named),
        ofModelIn: directory)
    }
    context = recipe.model.context
    baseForm = recipe.model.weights.form
    isForeign = false
  }

  /// An adapter that `peft` has saved.
  ///
  /// - Parameter directory: Has `adapter_config.json`, which names the directory of the model: where it is
  ///   relative, from the current directory, or else from the adapter's.
  /// - Throws: `FileError`, `DescriptionError`, or what the model can not be described for.
  init(ofPeft directory: String) throws {
    let (method, name) = try PeftFormat.read(directory)
    guard let name, !name.isEmpty else {
      throw DescriptionError(
        path: directory + "/" + PeftFormat.configurationName,
        problems: ["base_model_name_or_path: found nothing, expected the directory of a model"])
    }
    let beside = directory + "/" + name
    let isBeside = !FileSystem.isDirectory(name) && FileSystem.isDirectory(beside)
    path = directory
    configuration = AdapterConfiguration(method)
    base = try MissingBaseError.reading(
      isBeside ? beside : name, of: directory, threads: ThreadPool())
    context = base.architecture.context
    baseForm = nil
    isForeign = true
  }

  /// Gives a model its adapters, and all parameters memory and values.
  ///
  /// - Throws: `WeightError`, `ParameterPatternError`.
  func bind(_ module: any Module, in workspace: Workspace) throws -> BoundAdapter {
    let source = try SafetensorsReader(path: path + "/" + PeftFormat.weightsName)
    let modelNames = base.architecture.weightNames
    try configuration.adapt(module, layersIn: isForeign ? source : nil, modelNames)
    let parameters = ParameterStore(of: module)
    let model = parameters.entries.filter { !$0.isOfAdapter }
    let added = parameters.entries.filter(\.isOfAdapter)
    let weightNames = base.architecture.beginningNames(of: module)
    let weights = LeadingPositions(
      try base.weights(), names: weightNames, parameters: model.map(\.layout),
      positions: base.architecture.context, context: context)
    // Before any memory is asked for: a description may claim any size, files have what they have.
    let modelTensors = try WeightAssignment(
      of: model.map(\.layout), from: weights, names: weightNames)
    let adapterTensors = try WeightAssignment(
      of: added.map(\.layout), from: source, names: PeftFormat.names(of: modelNames))
    let values = try FloatMemory.forParameters(parameters.flatCount, of: source.path)
    guard let first = values.elements.baseAddress else {
      preconditionFailure("a model has parameters")
    }
    try parameters.read(
      model, modelTensors, from: weights, into: first, threads: workspace.threads)
    if let baseForm { try parameters.roundFrozen(first, to: baseForm) }
    try parameters.read(
      added, adapterTensors, from: source, into: first, threads: workspace.threads)
    parameters.bind(to: values, in: workspace)
    return BoundAdapter(parameters, first)
  }
}

/// The parameters of a model and of its adapter, in memory that the model holds.
struct BoundAdapter {
  private let parameters: ParameterStore
  private let values: UnsafeMutablePointer<Float>

  fileprivate init(_ parameters: ParameterStore, _ values: UnsafeMutablePointer<Float>) {
    self.parameters = parameters
    self.values = values
  }

  /// The adapter's, under their names in the file.
  var saved: [TensorView] { parameters.savedViews(of: values) }

  /// The model's, a head that is stored beside the adapter among them.
  var model: [TensorView] {
    parameters.views(of: values, where: { !$0.isOfAdapter || $0.isOfHead })
  }

  /// Folds the adapter into the model's parameters.
  func merge() { parameters.mergeAdapters(values) }
}

extension ModelDescription {
  /// The adapter that the directory holds in place of a model's weights; nil: it holds those.
  ///
  /// - Throws: `MissingBaseError`, or what else the model that it belongs to can not be described for.
  func adapter(threads: ThreadPool) throws -> StoredAdapter? {
    if let foreignAdapter { return foreignAdapter }
    guard let configuration, configuration.recipe.adapter.keys != nil,
      let named = configuration.recipe.model.from
    else { return nil }
    let recipe = configuration.locatingFiles().recipe
    return try StoredAdapter(
      in: path, of: recipe, from: recipe.model.from ?? named, named: named, threads: threads)
  }

  /// Whether the directory holds an adapter in place of a model's weights.
  var holdsAdapter: Bool {
    foreignAdapter != nil || configuration?.recipe.adapter.keys != nil
  }

  /// The tensors that lie there: the model's, or in their place an adapter's.
  func storedTensors() throws(WeightError) -> any WeightSource {
    holdsAdapter
      ? try SafetensorsReader(path: path + "/" + PeftFormat.weightsName) : try weights()
  }

  /// The parameters whose tensors lie there, none of them with memory, and what names in the file mean. The model
  /// that an adapter belongs to is not read.
  ///
  /// - Parameter source: `storedTensors()`.
  /// - Throws: As ``network()``; `ParameterPatternError`.
  func storedParameters(
    in source: any WeightSource
  ) throws -> (parameters: [ParameterStore.Entry], names: WeightNames) {
    let module = try network().module
    let modelNames = architecture.weightNames
    guard holdsAdapter else { return (ParameterStore(of: module).entries, modelNames) }
    let configuration = foreignAdapter?.configuration ?? configuration?.recipe.adapter
    try configuration?.adapt(
      module, layersIn: foreignAdapter == nil ? nil : source, modelNames)
    return (
      ParameterStore(of: module).entries.filter(\.isOfAdapter), PeftFormat.names(of: modelNames)
    )
  }
}

extension AdapterConfiguration {
  /// Gives a module the adapters that this section describes.
  ///
  /// - Parameters:
  ///   - source: Its tensors say which layers get one; nil: the section's targets do.
  ///   - names: What names in files of the model mean.
  /// - Throws: `ParameterPatternError` for a target that matches nothing.
  fileprivate func adapt(
    _ module: any Module, layersIn source: (any WeightSource)?, _ names: WeightNames
  ) throws {
    guard let form, let keys else { preconditionFailure("an adapter has a form") }
    let layers =
      try source.map { PeftFormat.layers(of: module, in: $0, names) } ?? keys.layers(of: module)
    module.adapt(layers, as: form, heads: module.headModules)
  }
}

/// An adapter whose model can not be read where it should be.
public struct MissingBaseError: UserInputError, Equatable {
  /// The adapter.
  public let adapter: String
  public let reason: String

  public var description: String {
    "\(adapter): holds an adapter, and the model that it belongs to can not be read: \(reason)"
  }

  fileprivate static func reading(
    _ path: String, of adapter: String, threads: ThreadPool
  ) throws -> ModelDescription {
    let ofAdapter = MissingBaseError(
      adapter: adapter,
      reason:
        "\(path) holds an adapter itself; fold that one into its model, as lockstep merge does")
    // Not looked into: adapters may name each other, or themselves.
    let isOfPeft = try FileSystem.exists(path + "/" + PeftFormat.configurationName)
    if try isOfPeft && !FileSystem.exists(path + "/config.yaml") { throw ofAdapter }
    do {
      let base = try ModelDescription.reading(path, threads: threads)
      if base.holdsAdapter { throw ofAdapter }
      return base
    } catch let error as LoadingError {
      throw MissingBaseError(adapter: adapter, reason: "\(error)")
    }
  }
}
