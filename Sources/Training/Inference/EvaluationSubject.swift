import Checkpoints
import Datasets
import Foundation
import Settings
import Tensors

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

  /// - Parameter index: In 0 ..< batchCount.
  func loss(batch index: Int) -> BatchLoss
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
    let configuration = try RunConfiguration.load(path: directory + "/config.yaml")
    guard let bytes = FileManager.default.contents(atPath: directory + "/samples.json"),
      let description = try? JSONDecoder().decode(SampleDescription.self, from: bytes)
    else { throw EvaluationError.noDescription(path: directory + "/samples.json") }
    let isTable = description.columns != nil
    let folds = configuration.data.folds
    let holdsOutFold = folds.isOn && options.data == nil
    var paths =
      holdsOutFold
      ? configuration.data.samplePaths.train : configuration.data.samplePaths.validation
    if let data = options.data {
      guard isTable == (options.labels == nil) else {
        throw isTable ? EvaluationError.labelsOfNoImages : EvaluationError.noLabels(images: data)
      }
      paths = [data] + (options.labels.map { [$0] } ?? [])
    } else if options.labels != nil {
      throw EvaluationError.labelsOfNoImages
    }
    guard let first = paths.first else { throw EvaluationError.noData(source: directory) }
    let files = try paths.map { (try GzipFile.contents($0), $0) }
    let fold =
      holdsOutFold
      ? try configuration.data.samples(
        files, predictsClasses: configuration.task == .classification,
        seed: UInt64(configuration.seed)
      ).heldOut : nil
    task = try PredictionTask(
      configuration, description: description,
      heldOut: SampleLoader(
        fold ?? description.heldOut(files), description: description,
        batchSize: options.sequences))
    parameters = try LoadedParameters(of: task.model, from: directory, in: workspace)
    path = directory
    step = try? Checkpoint(path: directory).step
    dataPath = holdsOutFold ? "fold \(folds.heldOut) of \(folds.count) of \(first)" : first
  }

  let unit = "samples"
  var batchCount: Int { task.evaluationBatchCount }
  var metrics: [Metric] { task.metrics }

  func loss(batch index: Int) -> BatchLoss {
    withExtendedLifetime(parameters) { task.evaluationLoss(batch: index) }
  }
}
