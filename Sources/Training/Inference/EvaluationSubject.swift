import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepSettings
import LockstepTensors

/// A trained model and what it is evaluated on.
protocol EvaluationSubject {
  /// The checkpoint's directory.
  var path: String { get }
  /// Optimiser steps taken; nil where that is not known.
  var step: Int? { get }
  /// The file that the model is evaluated on.
  var dataPath: String { get }
  /// What the targets are, which are counted: "tokens" or "samples".
  var unit: String { get }
  var batchCount: Int { get }
  var metrics: [Metric] { get }
  /// Texts that do not fit the model. Default: 0.
  var leftOutCount: Int { get }

  /// - Parameter index: In 0 ..< batchCount.
  func loss(batch index: Int) -> BatchLoss
}

extension EvaluationSubject {
  var leftOutCount: Int { 0 }
}

/// A language model and a text.
struct EvaluatedText: EvaluationSubject {
  private let loaded: LoadedModel
  private let heldOut: HeldOutText
  let dataPath: String

  /// - Parameters: As of `ModelEvaluation`.
  init(source: String, options: EvaluationOptions, workspace: Workspace) throws {
    let loaded = try LoadedModel(path: source, in: workspace)
    self.loaded = loaded
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    if let stride = options.stride, !(1...loaded.model.context).contains(stride) {
      throw EvaluationError.wrongStride(stride, context: loaded.model.context)
    }
    let stored = try? RunDirectory(path: source).configuration()
    let paths = options.data.map { [$0] } ?? stored?.data.tokens?.validation?.elements ?? []
    guard !paths.isEmpty else { throw EvaluationError.noData(source: source) }
    dataPath = paths.joined(separator: ", ")
    let files = try paths.map { try TokenFile(path: $0) }
    for file in files {
      if let tokenizer = loaded.tokenizer {
        try file.requireTokenizer(tokenizer)
      } else {
        try file.requireTokens(below: loaded.model.headWeight.shape[0])
      }
    }
    let separator = try (stored?.data.tokens?.documents ?? .joined)
      .separator(of: loaded.tokenizer, path: loaded.path)
    heldOut = HeldOutText(
      model: loaded.model,
      texts: try files.map {
        try EvaluationBatches(
          file: $0, sequences: options.sequences, context: loaded.model.context,
          stride: options.stride, separator: separator)
      },
      byteCounts: loaded.tokenizer?.vocabulary.byteCounts)
  }

  var path: String { loaded.path }
  var step: Int? { loaded.step }
  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }

  func loss(batch index: Int) -> BatchLoss { heldOut.loss(batch: index) }
}

/// A masked language model and a text.
struct EvaluatedMaskedText: EvaluationSubject {
  private let loaded: LoadedMaskedModel
  private let heldOut: HeldOutMaskedText
  let dataPath: String

  /// - Parameters: As of `ModelEvaluation`.
  init(source: String, options: EvaluationOptions, workspace: Workspace) throws {
    let loaded = try LoadedMaskedModel(path: source, in: workspace)
    self.loaded = loaded
    if options.labels != nil { throw EvaluationError.labelsOfNoImages }
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    // A directory that `transformers` saved says nothing of masks: then BERT's are taken.
    let stored = try? RunConfiguration.load(path: loaded.path + "/config.yaml")
    let paths = options.data.map { [$0] } ?? stored?.data.tokens?.validation?.elements ?? []
    guard !paths.isEmpty else { throw EvaluationError.noData(source: source) }
    dataPath = paths.joined(separator: ", ")
    let files = try paths.map { try TokenFile(path: $0) }
    let vocabularyCount = loaded.model.headWeight.shape[0]
    let vocabulary: MaskingVocabulary
    if let tokenizer = loaded.tokenizer {
      for file in files { try file.requireTokenizer(tokenizer) }
      guard let known = MaskingVocabulary(tokenizer) else {
        throw EvaluationError.noMask(tokenizerOf: loaded.path)
      }
      vocabulary = known
    } else {
      for file in files { try file.requireTokens(below: vocabularyCount - 1) }
      vocabulary = MaskingVocabulary(count: vocabularyCount)
    }
    heldOut = HeldOutMaskedText(
      model: loaded.model,
      texts: try files.map {
        try MaskedEvaluationBatches(
          file: $0, sequences: options.sequences, context: loaded.model.context,
          masking: stored?.masking ?? MaskingConfiguration(), vocabulary: vocabulary)
      })
  }

  var path: String { loaded.path }
  var step: Int? { loaded.step }
  let unit = "tokens"
  var batchCount: Int { heldOut.count }
  var metrics: [Metric] { heldOut.metrics }

  func loss(batch index: Int) -> BatchLoss { heldOut.loss(batch: index) }
}

/// A classification's or a regression's model and samples.
struct EvaluatedSamples: EvaluationSubject {
  let path: String
  let step: Int?
  let dataPath: String
  private let task: PredictionTask
  private let parameters: LoadedParameters

  /// - Parameters:
  ///   - directory: Of a checkpoint.
  ///   - options, workspace: As of `ModelEvaluation`.
  init(directory: String, options: EvaluationOptions, workspace: Workspace) throws {
    if options.stride != nil { throw EvaluationError.strideOfNoText }
    let files = try PredictorFiles(directory: directory)
    let samples = try files.heldOutSamples(data: options.data, labels: options.labels)
    task = try PredictionTask(
      files.configuration, description: files.samples,
      heldOut: SampleLoader(
        samples, description: files.samples, batchSize: options.sequences))
    parameters = try LoadedParameters(of: task.model, from: directory, in: workspace)
    path = directory
    step = try? Checkpoint(path: directory).step
    let folds = files.configuration.data.folds
    dataPath =
      folds.isOn && options.data == nil
      ? "fold \(folds.heldOut) of \(folds.count) of \(samples.path)" : samples.path
  }

  let unit = "samples"
  var batchCount: Int { task.evaluationBatchCount }
  var metrics: [Metric] { task.metrics }

  func loss(batch index: Int) -> BatchLoss {
    task.evaluationLoss(batch: index)
  }
}
