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
  /// What the user should know of the files, one sentence each; on rank zero only.
  let notices: [String]
  private let source: SampleSource
  /// What is in the files; on rank zero only.
  let record: DataRecord?

  /// Opens everything that the source names. Collective.
  ///
  /// - Parameters:
  ///   - source: The files.
  ///   - named: The same with the paths that a record of the data has; nil: no others. Default: nil.
  ///   - plan: `seed` is used: it decides what a fold holds out.
  ///   - learned: Of a run that goes on, the description of the samples that it learned from: its means
  ///     and deviations are kept, for they are a part of the model. Default: nil, a new run.
  /// - Throws: `AgreedError` with a `ConfigurationError` or `SampleDataError`.
  public init(
    _ source: SampleSource, named: SampleSource? = nil, plan: Plan,
    communicator: any Communicator, resuming learned: SampleDescription? = nil
  ) throws {
    try communicator.agree {
      try plan.validate()
      try source.validate()
    }
    self.source = source
    let files = try SampleFiles(source) { path in
      try communicator.fromRankZero { try GzipFile.contents(path) }
    }
    let (samples, validation, notices) = try communicator.agree {
      let samples = try source.samples(
        files.train, names: files.names, seed: UInt64(plan.seed))
      let notices = communicator.isRankZero ? try samples.notices() : []
      guard !files.validation.isEmpty else { return (samples, samples.heldOut, notices) }
      return (samples, try samples.description.heldOut(files.validation), notices)
    }
    self.notices = notices
    var description = learned.map(samples.description.normalized(as:)) ?? samples.description
    // Their mean is a statistic of the data that gets no noise.
    if plan.privacy.isOn { description.targetMean = 0 }
    self.description = description
    record =
      communicator.isRankZero
      ? DataRecord(files: files, named: named ?? source, description: samples.description) : nil
    train = try samples.train.shared(by: communicator)
    self.validation = try validation?.shared(by: communicator)
  }

  /// The task of predicting these samples' classes or values.
  ///
  /// - Parameters:
  ///   - predictor: From samples of `description.sampleShape` to `description.outputCount` numbers.
  ///   - plan: `batch`, `seed` and `evaluate` are used.
  ///   - loss: What is made small, of classes or of values as the source says. Default: cross-entropy
  ///     of classes, the squared error of values.
  ///   - files: Of each checkpoint, beside `samples.json`. Default: none.
  /// - Throws: `ConfigurationError` where the plan or the loss is not valid.
  public func task(
    of predictor: any Predictor, plan: Plan, loss: LossConfiguration = LossConfiguration(),
    files: [(name: String, bytes: [UInt8])] = []
  ) throws -> PredictionTask {
    try plan.validate()
    try loss.validate()
    let loader = SampleLoader(
      train, description: description, batchSize: plan.batch.sequences,
      microbatches: plan.batch.microbatches, augmentation: source.augmentation,
      seed: UInt64(plan.seed))
    let heldOut = validation.map {
      SampleLoader($0, description: description, batchSize: plan.batch.sequences)
    }
    return try PredictionTask(
      of: predictor, objective: loss.objective(for: description, topK: plan.evaluate.topK),
      description: description, loader: loader, heldOut: heldOut, files: files)
  }

  /// One line for the console.
  var summary: String {
    let shape = description.sampleShape.map(String.init).joined(separator: " × ")
    let classes = description.classes.map { ", \($0.count) classes" } ?? ""
    let folds = source.folds
    let fold = folds.isOn ? " (fold \(folds.heldOut) of \(folds.count))" : ""
    let heldOut = validation.map { ", \($0.count) held out\(fold)" } ?? ""
    return "\(train.path), \(train.count) samples of \(shape)\(classes)\(heldOut)"
  }
}

extension SampleDescription {
  /// The description with another one's means and deviations, where both are of like samples.
  fileprivate func normalized(as other: SampleDescription) -> SampleDescription {
    guard other.means.count == means.count, other.deviations.count == deviations.count else {
      return self
    }
    var description = self
    (description.means, description.deviations) = (other.means, other.deviations)
    description.targetMean = other.targetMean
    return description
  }
}

extension DataRecord {
  /// Describes data of samples.
  ///
  /// - Parameters:
  ///   - files: What was read; compressed files uncompressed.
  ///   - named: As the configuration has them.
  fileprivate init(
    files: SampleFiles, named: SampleSource, description: SampleDescription
  ) {
    let keys = [("data.train", "data.validation"), ("data.train_labels", "data.validation_labels")]
    let paths = named.paths
    func list(_ key: String, _ index: Int, _ paths: [String], _ files: [SampleFiles.File])
      -> [File]
    {
      guard files.indices.contains(index) else { return [] }
      return File.list(
        key, paths: [paths[index]], contents: [ContentDigest(of: files[index].bytes)])
    }
    self.init(
      files: keys.enumerated().flatMap { index, keys in
        list(keys.0, index, paths.train, files.train)
          + list(keys.1, index, paths.validation, files.validation)
      },
      samples: SampleRecord(description))
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
