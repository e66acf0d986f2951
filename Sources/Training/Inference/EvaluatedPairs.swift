import LockstepDatasets
import LockstepSettings
import LockstepTensors

/// A translation model, and texts with their translations.
struct EvaluatedPairs: EvaluationSubject {
  private let loaded: LoadedTranslator
  private let heldOut: HeldOutPairs
  let dataPath: String

  /// - Parameters: As of `ModelEvaluation`.
  init(source: String, options: EvaluationOptions, workspace: Workspace) throws {
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    loaded = try LoadedTranslator(path: source, in: workspace)
    let data = loaded.configuration.data.pairs
    var paths = (source: data?.validationSource, target: data?.validationTarget)
    if let given = options.data {
      guard let labels = options.labels else { throw EvaluationError.noTranslations(source: given) }
      paths = (given, labels)
    } else if options.labels != nil {
      throw EvaluationError.labelsOfNoImages
    }
    guard let sourcePath = paths.source, let targetPath = paths.target else {
      throw EvaluationError.noData(source: source)
    }
    dataPath = sourcePath
    let file = try PairFile(
      source: TokenFile(path: sourcePath), target: TokenFile(path: targetPath),
      tokenizer: loaded.tokenizer, path: loaded.path + "/tokenizer.json")
    heldOut = HeldOutPairs(
      model: loaded.model,
      loader: try PairLoader(
        file, sequences: options.sequences, context: loaded.model.context,
        requiresFullStep: false),
      scoring: TranslationScoring(
        .beamSearch(options.search ?? EvaluationOptions.defaultSearch),
        tokenizer: loaded.tokenizer))
  }

  var path: String { loaded.path }
  var step: Int? { loaded.step }
  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }
  var leftOutCount: Int { heldOut.leftOutCount }

  func loss(batch index: Int) -> BatchLoss { heldOut.loss(batch: index) }
}
