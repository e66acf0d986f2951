import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepModels
import LockstepTensors

/// A trained model of samples, read from a run or a checkpoint.
public final class LoadedPredictor {
  public let predictor: any Predictor
  public let workspace: Workspace
  public let configuration: RunConfiguration
  /// Of the samples that it learned from.
  public let samples: SampleDescription
  /// The directory that was read.
  public let path: String
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?

  private let parameters: LoadedParameters

  /// - Parameters:
  ///   - path: A run (its newest complete checkpoint is taken) or a checkpoint.
  ///   - workspace: Computes with the model.
  /// - Throws: `LoadingError`, `CheckpointError`, `ConfigurationError`, `EvaluationError`.
  public init(path: String, in workspace: Workspace) throws {
    let directory = try ModelDirectory.find(path)
    let files = try PredictorFiles(directory: directory)
    guard
      let predictor = try files.configuration.model.predictor(
        sampleShape: Shape(files.samples.sampleShape), outputs: files.samples.outputCount)
    else { throw LoadingError.noModel(path: directory, missing: "a model for samples") }
    self.predictor = predictor
    self.workspace = workspace
    self.path = directory
    configuration = files.configuration
    samples = files.samples
    step = try? Checkpoint(path: directory).step
    parameters = try LoadedParameters(of: predictor, from: directory, in: workspace)
  }

  /// Samples like those that the model learned from, read as `EvaluationOptions` says.
  ///
  /// - Throws: `SampleDataError`, `EvaluationError`.
  public func heldOutSamples(data: String? = nil, labels: String? = nil) throws -> SampleSet {
    try PredictorFiles(directory: path).heldOutSamples(data: data, labels: labels)
  }

  /// Whether a run or checkpoint holds a model of samples rather than of text.
  ///
  /// - Throws: `LoadingError` where there is neither.
  public static func isAt(_ path: String) throws -> Bool {
    try ModelDirectory.task(of: ModelDirectory.find(path))?.modelKind == .prediction
  }
}

/// What a checkpoint of a classification or a regression says of its model and its samples.
struct PredictorFiles {
  let directory: String
  let configuration: RunConfiguration
  let samples: SampleDescription

  /// - Parameter directory: Of a checkpoint.
  init(directory: String) throws {
    self.directory = directory
    configuration = try RunConfiguration.load(path: directory + "/config.yaml")
    guard let bytes = FileManager.default.contents(atPath: directory + "/samples.json"),
      let samples = try? JSONDecoder().decode(SampleDescription.self, from: bytes)
    else { throw EvaluationError.noDescription(path: directory + "/samples.json") }
    self.samples = samples
  }

  /// The samples that the model is measured on: its run's held-out fold or validation files unless
  /// others are given.
  ///
  /// - Parameters:
  ///   - data: A table or images; nil: the run's.
  ///   - labels: Those of the images.
  func heldOutSamples(data: String?, labels: String?) throws -> SampleSet {
    let isTable = samples.columns != nil
    let holdsOutFold = configuration.data.folds.isOn && data == nil
    let (train, validation) = configuration.data.samplePaths
    var paths = holdsOutFold ? train : validation
    if let data {
      guard isTable == (labels == nil) else {
        throw isTable ? EvaluationError.labelsOfNoImages : EvaluationError.noLabels(images: data)
      }
      paths = [data] + (labels.map { [$0] } ?? [])
    } else if labels != nil {
      throw EvaluationError.labelsOfNoImages
    }
    guard !paths.isEmpty else { throw EvaluationError.noData(source: directory) }
    let files = try paths.map { (try GzipFile.contents($0), $0) }
    guard holdsOutFold else { return try samples.heldOut(files) }
    let split = try configuration.data.samples(
      files, predictsClasses: configuration.task == .classification,
      seed: UInt64(configuration.seed))
    return try split.heldOut ?? samples.heldOut(files)
  }
}
