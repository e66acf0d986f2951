import Foundation
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// A trained model and what it is evaluated on.
protocol EvaluationSubject {
  /// The file that the model is evaluated on.
  var dataPath: String { get }
  /// What the targets are, which are counted: "tokens" or "samples".
  var unit: String { get }
  var batchCount: Int { get }
  var metrics: [Metric] { get }
  /// Texts that do not fit the model. Default: 0.
  var leftOutCount: Int { get }
  /// What has been counted since `beginCounting`; nil where no classes are predicted. Default: nil.
  var confusion: ConfusionMatrix? { get }

  /// Counts from here on which class is taken for which. Default: nothing is counted.
  func beginCounting()

  /// - Parameter index: In 0 ..< batchCount.
  /// - Throws: `NotFiniteLogitsError` where something can not be decoded.
  func loss(batch index: Int) throws -> BatchLoss
}

extension EvaluationSubject {
  var leftOutCount: Int { 0 }
  var confusion: ConfusionMatrix? { nil }
  func beginCounting() {}
}

/// A language model and a text.
struct EvaluatedText: EvaluationSubject {
  private let heldOut: HeldOutText
  let dataPath: String

  /// - Parameters:
  ///   - trained: Continues texts.
  ///   - model: That of `trained`.
  ///   - options: As of `ModelEvaluation`.
  init(
    _ trained: TrainedModel, _ model: any LanguageModel, options: EvaluationOptions
  ) throws {
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    if let stride = options.stride, !(1...model.context).contains(stride) {
      throw EvaluationError.wrongStride(stride, context: model.context)
    }
    let stored = trained.configuration
    let paths =
      try options.data.map { [$0] }
      ?? stored?.ownData(from: options.directory) {
        $0.tokens?.validation?.elements ?? [$0.conversations?.validation].compactMap(\.self)
      } ?? []
    guard !paths.isEmpty else { throw EvaluationError.noData(source: trained.source) }
    let files = try paths.map { try TokenFile(path: $0) }
    for file in files {
      if let tokenizer = trained.tokenizer {
        try file.requireTokenizer(tokenizer)
      } else {
        try file.requireTokens(below: model.headWeight.shape[0])
      }
    }
    if let conversations = try ConversationFile.beside(files) {
      guard options.stride == nil else { throw EvaluationError.strideOfNoText }
      let learned = stored?.data.conversations?.lossOn ?? .completions
      dataPath = "\(paths[0]) (conversations, \(learned.rawValue))"
      let loader = try ConversationLoader(
        conversations, sequences: options.sequences, context: model.context, learned: learned)
      heldOut = HeldOutText(
        model: model, texts: [loader], byteCounts: trained.tokenizer?.byteCounts)
      return
    }
    dataPath = paths.joined(separator: ", ")
    let separator = try (stored?.data.tokens?.documents ?? .joined)
      .separator(of: trained.tokenizer, path: trained.path)
    // More sequences at a time than there are windows would be padding.
    let windows = try files.map {
      try EvaluationBatches(
        file: $0, sequences: 1, context: model.context, stride: options.stride
      ).windowCount
    }
    let sequences = min(options.sequences, windows.max() ?? 1)
    heldOut = HeldOutText(
      model: model,
      texts: try files.map {
        try EvaluationBatches(
          file: $0, sequences: sequences, context: model.context,
          stride: options.stride, separator: separator)
      },
      byteCounts: trained.tokenizer?.byteCounts)
  }

  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }

  func loss(batch index: Int) -> BatchLoss { heldOut.loss(batch: index) }
}

/// A masked language model and a text.
struct EvaluatedMaskedText: EvaluationSubject {
  private let heldOut: HeldOutMaskedText
  let dataPath: String

  /// - Parameters:
  ///   - trained: Fills in hidden tokens.
  ///   - model: That of `trained`.
  ///   - options: As of `ModelEvaluation`.
  init(
    _ trained: TrainedModel, _ model: any MaskedLanguageModel, options: EvaluationOptions
  ) throws {
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    // A directory that `transformers` saved says nothing of masks: then BERT's are taken.
    let stored = trained.configuration
    let paths =
      try options.data.map { [$0] }
      ?? stored?.ownData(from: options.directory) { $0.tokens?.validation?.elements ?? [] } ?? []
    guard !paths.isEmpty else { throw EvaluationError.noData(source: trained.source) }
    dataPath = paths.joined(separator: ", ")
    let files = try paths.map { try TokenFile(path: $0) }
    let vocabularyCount = model.headWeight.shape[0]
    let vocabulary: MaskingVocabulary
    if let tokenizer = trained.tokenizer {
      for file in files { try file.requireTokenizer(tokenizer) }
      guard let known = MaskingVocabulary(tokenizer) else {
        throw EvaluationError.noMask(tokenizerOf: trained.tokenizerPath)
      }
      vocabulary = known
    } else {
      for file in files { try file.requireTokens(below: vocabularyCount - 1) }
      vocabulary = MaskingVocabulary(count: vocabularyCount)
    }
    let sequences = min(
      options.sequences, files.map { max(1, $0.count / model.context) }.max() ?? 1)
    heldOut = HeldOutMaskedText(
      model: model,
      texts: try files.map {
        try MaskedEvaluationBatches(
          file: $0, sequences: sequences, context: model.context,
          masking: stored?.masking ?? MaskingConfiguration(), vocabulary: vocabulary)
      })
  }

  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }

  func loss(batch index: Int) -> BatchLoss { heldOut.loss(batch: index) }
}

/// A classification's or a regression's model and samples.
struct EvaluatedSamples: EvaluationSubject {
  let dataPath: String
  private let task: PredictionTask
  private let classes: [String]?
  private let workspace: Workspace

  /// - Parameters:
  ///   - trained: Predicts.
  ///   - predictor: That of `trained`.
  ///   - options: As of `ModelEvaluation`.
  init(
    _ trained: TrainedModel, _ predictor: any Predictor, options: EvaluationOptions
  ) throws {
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    guard let configuration = trained.configuration, let description = trained.samples else {
      throw EvaluationError.noData(source: trained.source)
    }
    let samples = try trained.heldOutSamples(
      data: options.data, labels: options.labels, directory: options.directory)
    task = try PredictionTask(
      of: predictor,
      objective: configuration.recipe.loss.objective(
        for: description, topK: configuration.plan.evaluate.topK),
      description: description,
      heldOut: SampleLoader(
        samples, description: description, batchSize: options.sequences))
    classes = description.classNames
    workspace = trained.workspace
    let folds = configuration.recipe.data.folds
    dataPath =
      folds.isOn && options.data == nil
      ? "fold \(folds.heldOut) of \(folds.count) of \(samples.path)" : samples.path
  }

  let unit = "samples"
  var confusion: ConfusionMatrix? { task.confusion }
  func beginCounting() { task.confusion = classes.map(ConfusionMatrix.init) }
  var batchCount: Int { task.evaluationBatchCount }
  var metrics: [Metric] { task.metrics }

  func loss(batch index: Int) -> BatchLoss {
    task.evaluationLoss(batch: index, in: workspace)
  }
}
