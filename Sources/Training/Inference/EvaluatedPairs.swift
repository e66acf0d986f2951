import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// A translation model, and texts with their translations.
struct EvaluatedPairs: EvaluationSubject {
  private let heldOut: HeldOutPairs
  let dataPath: String

  /// - Parameters:
  ///   - trained: Translates.
  ///   - model: That of `trained`.
  ///   - options: As of `ModelEvaluation`.
  init(
    _ trained: TrainedModel, _ model: any SequenceToSequenceModel, options: EvaluationOptions
  ) throws {
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    let tokenizer = try trained.requiredTokenizer()
    var paths: (source: String?, target: String?)
    if let given = options.data {
      guard let labels = options.labels else { throw EvaluationError.noTranslations(source: given) }
      paths = (given, labels)
    } else if options.labels != nil {
      throw EvaluationError.labelsOfNoImages
    } else {
      let own = try trained.configuration?.ownData(from: options.directory) {
        [$0.pairs?.validationSource, $0.pairs?.validationTarget].compactMap(\.self)
      }
      paths = (own?.first, own?.last)
    }
    guard let sourcePath = paths.source, let targetPath = paths.target else {
      throw EvaluationError.noData(source: trained.source)
    }
    dataPath = sourcePath
    let file = try PairFile(
      source: TokenFile(path: sourcePath), target: TokenFile(path: targetPath),
      tokenizer: tokenizer, path: trained.tokenizerPath)
    heldOut = HeldOutPairs(
      model: model,
      loader: try PairLoader(
        file, sequences: options.sequences, context: model.context,
        requiresFullStep: false),
      scoring: TranslationScoring(
        .beamSearch(options.search ?? EvaluationOptions.defaultSearch),
        tokenizer: tokenizer))
  }

  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }
  var leftOutCount: Int { heldOut.leftOutCount }

  func loss(batch index: Int) throws -> BatchLoss { try heldOut.loss(batch: index) }
}
