import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// A model that sorts texts into classes, and texts with the right ones.
struct EvaluatedTexts: EvaluationSubject {
  let dataPath: String
  private let task: TextClassificationTask
  private let classes: [String]
  private let workspace: Workspace

  /// - Parameters:
  ///   - trained: Sorts texts. Where no run says how its data are called, their columns are `text` and `label`.
  ///   - options: As of `ModelEvaluation`.
  init(_ trained: TrainedModel, options: EvaluationOptions) throws {
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    let (classifier, classes) = try trained.textClassifier()
    let path =
      try options.data
      ?? trained.configuration?.ownData(from: options.directory) {
        [$0.texts?.validation].compactMap(\.self)
      }.first
    guard let path else { throw EvaluationError.noData(source: trained.source) }
    let texts = try ClassifiedTexts(
      GzipFile.contents(path), path: path,
      trained.configuration?.data.texts ?? TextDataConfiguration(), classes: classes.labels,
      tokenizer: trained.requiredTokenizer(), context: classifier.context)
    let configuration = trained.configuration
    let loss =
      configuration?.recipe.loss
      ?? LossConfiguration(classes.asksOfEachClass ? .binaryCrossEntropy : .standard)
    task = TextClassificationTask(
      of: classifier,
      objective: loss.objective(
        forClasses: classes.names.count,
        topK: (configuration?.plan.evaluate ?? EvaluationConfiguration()).topK),
      heldOut: ClassifiedTextLoader(texts, batchSize: options.sequences))
    self.classes = classes.names
    workspace = trained.workspace
    dataPath = texts.cutCount > 0 ? "\(path) (\(texts.cutCount) texts cut)" : path
  }

  let unit = "texts"
  var confusion: ConfusionMatrix? { task.confusion }
  func beginCounting() { task.confusion = ConfusionMatrix(classes: classes) }
  var batchCount: Int { task.evaluationBatchCount }
  var metrics: [Metric] { task.metrics }

  func loss(batch index: Int) -> BatchLoss {
    task.evaluationLoss(batch: index, in: workspace)
  }
}
