import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// A language model and preferences: rewards are what the model has gained over the one that its run began
/// as. A model that learned no preferences is compared with itself.
final class EvaluatedPreferences: EvaluationSubject {
  let dataPath: String
  private let loader: PreferenceLoader
  private let objective: PreferenceObjective
  private let workspace: Workspace
  private var batch: PreferenceBatch

  /// Nil where there are no preferences to evaluate on.
  ///
  /// - Parameters:
  ///   - trained: A language model.
  ///   - model: That of `trained`.
  ///   - options: As of `ModelEvaluation`.
  init?(
    _ trained: TrainedModel, _ model: any LanguageModel, options: EvaluationOptions
  ) throws {
    let configuration = trained.configuration
    let path =
      try options.data
      ?? configuration?.ownData(from: options.directory) {
        [$0.preferences?.validation].compactMap(\.self)
      }.first
    guard let path, let file = try ConversationFile.beside([TokenFile(path: path)]),
      file.holdsPreferences
    else { return nil }
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    guard options.stride == nil else { throw EvaluationError.strideOfNoText }
    try file.tokens.requireTokenizer(trained.requiredTokenizer())
    workspace = trained.workspace
    let learned = configuration?.loss.kind.preference
    // A long context would be padding for the most part; a run measures as it did in training.
    let context =
      learned == nil
      ? min(model.context, max(Self.shortContext, file.longest - 1)) : model.context
    func loader(_ sequences: Int) throws -> PreferenceLoader {
      try PreferenceLoader(file, sequences: sequences, context: context)
    }
    // Each preference takes two sequences.
    let sequences = (options.sequences + 1) / 2 * 2
    self.loader = try loader(min(sequences, 2 * loader(2).rowCount))
    batch = self.loader.emptyBatch()
    objective = PreferenceObjective(
      model: model,
      reference: try learned == nil
        ? .itself : Self.reference(of: trained, model, directory: options.directory),
      configuration: learned ?? PreferenceConfiguration())
    dataPath =
      "\(path) (preferences\(learned == nil ? "; the model is compared with itself" : ""))"
  }

  /// T that is enough for most preferences.
  private static let shortContext = 512

  /// The model that a run began as.
  private static func reference(
    of trained: TrainedModel, _ model: any LanguageModel, directory: String?
  ) throws -> PreferenceObjective.Reference {
    guard var configuration = trained.configuration, configuration.recipe.needsFrozenReference
    else {
      return .withoutAdapters(AdaptedLayers(of: model))
    }
    if let directory { configuration.directory = directory }
    let (workspace, recipe) = (trained.workspace, configuration.locatingFiles().recipe)
    guard let path = recipe.model.from,
      case .language(let architecture) = recipe.model.role
    else { return .itself }
    let weights = try PretrainedWeights(
      for: recipe, named: configuration.recipe, at: path, threads: workspace.threads)
    if try FileSystem.exists(trained.path + "/" + DataRecord.fileName) {
      try DataRecord.requireWeights(weights.record, ofModelIn: trained.path)
    }
    let frozen = try recipe.frozenReference(
      architecture.model(vocabularyCount: model.headWeight.shape[0]), weights)
    try frozen?.load(SoloCommunicator(), in: workspace)
    return frozen.map { .frozen($0) } ?? .itself
  }

  let unit = "preferences"
  var batchCount: Int { loader.count }
  var metrics: [Metric] { PreferenceObjective.metrics }

  func loss(batch index: Int) -> BatchLoss {
    loader.fill(&batch, at: index)
    return objective.loss(of: batch, in: workspace)
  }
}
