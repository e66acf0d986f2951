import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepTensors

/// The samples of a classification or regression, on every rank.
///
/// Rank zero reads the files; the others get what it read, and no shared filesystem is needed. The
/// ranks of a host share the features in memory.
public final class SampleData {
  public let train: SampleSet
  public let validation: SampleSet?
  public let description: SampleDescription
  private let folds: FoldConfiguration
  private let augmentation: ImageAugmentation

  /// Opens everything that the `data` section names. Collective.
  ///
  /// - Throws: `AgreedError` with a `SampleDataError`.
  public init(_ configuration: RunConfiguration, communicator: any Communicator) throws {
    let data = configuration.data
    let files = try SampleFiles(data) { path in
      try communicator.fromRankZero { try GzipFile.contents(path) }
    }
    folds = data.folds
    let (train, validation, description) = try communicator.agree {
      let (train, heldOut, description) = try data.samples(
        files.train, predictsClasses: configuration.task == .classification,
        seed: UInt64(configuration.seed))
      guard !files.validation.isEmpty else { return (train, heldOut, description) }
      return (train, try description.heldOut(files.validation), description)
    }
    self.description = description
    self.train = try train.shared(by: communicator)
    self.validation = try validation?.shared(by: communicator)
    if case .idx(let images) = data.format {
      augmentation = images.augmentation
    } else {
      augmentation = ImageAugmentation()
    }
  }

  /// The task of predicting these samples' classes or values with the configuration's model.
  ///
  /// - Throws: `SampleShapeError` where the model can not take such samples.
  public func task(for configuration: RunConfiguration) throws -> any TrainingTask {
    try PredictionTask(
      configuration, description: description, loader: loader(configuration),
      heldOut: heldOutLoader(configuration))
  }

  /// The task of predicting these samples' classes or values with a model of one's own.
  ///
  /// Checkpoints then have no `config.yaml`, for no configuration describes the model.
  ///
  /// - Parameters:
  ///   - predictor: From samples of `description.sampleShape` to `description.outputCount` numbers.
  ///   - configuration: `loss`, `batch`, `evaluate` and `seed` are used. `model` is not, but has to
  ///     be some architecture for samples.
  public func task(
    of predictor: any Predictor, for configuration: RunConfiguration
  ) throws -> any TrainingTask {
    try PredictionTask(
      of: predictor, configuration, description: description, loader: loader(configuration),
      heldOut: heldOutLoader(configuration))
  }

  private func loader(_ configuration: RunConfiguration) -> SampleLoader {
    SampleLoader(
      train, description: description, batchSize: configuration.batch.sequences,
      microbatches: configuration.batch.microbatches, augmentation: augmentation,
      seed: UInt64(configuration.seed))
  }

  private func heldOutLoader(_ configuration: RunConfiguration) -> SampleLoader? {
    validation.map {
      SampleLoader($0, description: description, batchSize: configuration.batch.sequences)
    }
  }

  /// One line for the console.
  var summary: String {
    let shape = description.sampleShape.map(String.init).joined(separator: " × ")
    let classes = description.classes.map { ", \($0.count) classes" } ?? ""
    let fold = folds.isOn ? " (fold \(folds.heldOut) of \(folds.count))" : ""
    let heldOut = validation.map { ", \($0.count) held out\(fold)" } ?? ""
    return "\(train.path), \(train.count) samples of \(shape)\(classes)\(heldOut)"
  }
}

extension SampleSet {
  /// The same samples, their features once on each host. Collective.
  ///
  /// - Throws: `CommunicationError.sharedMemory` where a host has too little memory.
  func shared(by communicator: any Communicator) throws -> SampleSet {
    guard communicator.size > 1 else { return self }
    return try moving { bytes in
      let isLeader = communicator.topology.isLeader
      let memory = try communicator.allocateShared(byteCount: isLeader ? bytes.count : 0)
      if isLeader { memory.segments[0].copyMemory(from: bytes) }
      try communicator.barrier()
      return (UnsafeRawBufferPointer(memory.segments[0]), memory)
    }
  }
}
