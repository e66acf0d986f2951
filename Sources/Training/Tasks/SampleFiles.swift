import LockstepDatasets

/// The files of samples that a `data` section names, read but not yet understood.
struct SampleFiles {
  typealias File = (bytes: [UInt8], path: String)

  /// The file of samples, and for images that of the labels.
  let train: [File]
  /// Empty where nothing is held out.
  let validation: [File]

  /// Reads the files in their order.
  ///
  /// - Parameter read: The uncompressed bytes of a file; on several ranks a collective.
  init(_ data: DataConfiguration, read: (String) throws -> [UInt8]) throws {
    let paths = data.samplePaths
    train = try paths.train.map { (try read($0), $0) }
    validation = try paths.validation.map { (try read($0), $0) }
  }
}

extension DataConfiguration {
  /// The file of samples, and for images that of the labels; nothing for token files.
  var samplePaths: (train: [String], validation: [String]) {
    switch format {
    case .tokens, .pairs: ([], [])
    case .idx(let images):
      (
        [images.train, images.trainLabels],
        [images.validation, images.validationLabels].compactMap(\.self)
      )
    case .csv(let table): ([table.train], [table.validation].compactMap(\.self))
    }
  }

  /// What is learned from, what is held out of it, and what a model has to know of the samples that
  /// it learns from.
  ///
  /// - Parameters:
  ///   - predictsClasses: Whether a table's target is a class, not a value.
  ///   - seed: Decides the folds.
  /// - Throws: `SampleDataError`.
  func samples(
    _ files: [SampleFiles.File], predictsClasses: Bool, seed: UInt64
  ) throws -> (train: SampleSet, heldOut: SampleSet?, description: SampleDescription) {
    switch format {
    case .tokens, .pairs: preconditionFailure("token files hold no samples")
    case .idx(let images):
      let samples = try SampleSet(images: files[0], labels: files[1], classCount: images.classes)
      let classCount = images.classes ?? samples.largestClass + 1
      let (train, heldOut) = try images.folds.split(samples, seed: seed)
      return (
        train, heldOut,
        SampleDescription(
          of: train, normalizes: images.normalize,
          classes: (0..<classCount).map(String.init))
      )
    case .csv(let configuration):
      let table = try CSVTable(files[0].bytes, path: files[0].path)
      let target = configuration.target
      let columns = configuration.columns ?? table.columns.filter { $0 != target }
      let classes = predictsClasses ? try table.classes(in: target) : nil
      let samples = try SampleSet(
        table: table, target: target, columns: columns, classes: classes)
      let (train, heldOut) = try configuration.folds.split(samples, seed: seed)
      return (
        train, heldOut,
        SampleDescription(
          of: train, normalizes: configuration.normalize, columns: columns, target: target,
          classes: classes)
      )
    }
  }
}

extension SampleDescription {
  /// Samples that a model which knows this description is evaluated on.
  ///
  /// - Parameter files: A table; or images, and their labels.
  /// - Throws: `SampleDataError`.
  func heldOut(_ files: [SampleFiles.File]) throws -> SampleSet {
    if let columns, let target {
      return try SampleSet(
        table: CSVTable(files[0].bytes, path: files[0].path), target: target, columns: columns,
        classes: classes)
    }
    let samples = try SampleSet(
      images: files[0], labels: files[1], classCount: classes?.count)
    guard samples.sampleShape == sampleShape else {
      throw SampleDataError.otherShape(
        path: samples.path, found: "samples of shape \(samples.sampleShape)",
        expected: "\(sampleShape)")
    }
    return samples
  }
}

extension SampleSet {
  /// 0 where a value is predicted.
  fileprivate var largestClass: Int {
    if case .classes(let classes) = targets { Int(classes.max() ?? 0) } else { 0 }
  }
}
