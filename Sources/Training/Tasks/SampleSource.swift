import LockstepDatasets
import LockstepSettings

/// Where samples come from, and what is predicted of them.
public enum SampleSource: Sendable, Equatable {
  /// Images and their classes.
  case images(ImageDataConfiguration)
  /// A table, one column of which names classes.
  case classes(TableDataConfiguration)
  /// A table, one column of which holds the values to be predicted.
  case values(TableDataConfiguration)

  /// Checks a section that was made in code.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong.
  func validate() throws(ConfigurationError) {
    switch self {
    case .images(let images): try images.validate()
    case .classes(let table), .values(let table): try table.validate()
    }
  }

  /// The part of the samples that is held out.
  public var folds: FoldConfiguration {
    switch self {
    case .images(let images): images.folds
    case .classes(let table), .values(let table): table.folds
    }
  }

  /// What classes are called, as the configuration says; nil: as the data do.
  var classNames: ClassNames? {
    switch self {
    case .images(let images): images.classes
    case .classes(let table): table.classes
    case .values: nil
    }
  }

  /// The same samples for a model that knows its classes.
  ///
  /// - Parameter count: How many there are.
  func withoutNames(classCount count: Int?) -> SampleSource {
    switch self {
    case .images(var images):
      images.classes = count.map(ClassNames.count)
      return .images(images)
    case .classes(var table):
      table.classes = nil
      return .classes(table)
    case .values: return self
    }
  }

  /// How samples are changed before each time that they are learned from.
  var augmentation: ImageAugmentation {
    switch self {
    case .images(let images): images.augmentation
    case .classes, .values: ImageAugmentation()
    }
  }

  /// The file of samples, and for images that of the labels.
  var paths: (train: [String], validation: [String]) {
    switch self {
    case .images(let images):
      (
        [images.train, images.trainLabels],
        [images.validation, images.validationLabels].compactMap(\.self)
      )
    case .classes(let table), .values(let table):
      ([table.train], [table.validation].compactMap(\.self))
    }
  }

  /// The samples to learn from, and those held out of them.
  ///
  /// - Parameters:
  ///   - files: Those of `paths.train`.
  ///   - names: The file of the classes' names, where there is one. Default: none.
  ///   - seed: Decides the folds.
  /// - Throws: `SampleDataError`.
  func samples(
    _ files: [SampleFiles.File], names: SampleFiles.File? = nil, seed: UInt64
  ) throws -> SplitSamples {
    switch self {
    case .images(let images):
      let named = try images.classes?.count ?? names.map { try ClassNames.count(in: $0) }
      let samples = try SampleSet(images: files[0], labels: files[1], classCount: named)
      let classes = (0..<(named ?? samples.largestClass + 1)).map(String.init)
      let (train, heldOut) = try images.folds.split(samples, seed: seed)
      return SplitSamples(
        train: train, heldOut: heldOut,
        description: SampleDescription(
          of: train, normalizes: images.normalize, classes: classes,
          names: try images.classes?.names(of: classes, file: names, path: files[1].path)))
    case .classes(let table):
      return try Self.samples(table, files[0], names: names, seed: seed) {
        try $0.classes(in: table.target)
      }
    case .values(let table):
      return try Self.samples(table, files[0], names: nil, seed: seed) { _ in nil }
    }
  }

  /// - Parameter classes: Those that the target names; nil: it holds values.
  private static func samples(
    _ configuration: TableDataConfiguration, _ file: SampleFiles.File,
    names: SampleFiles.File?, seed: UInt64,
    classes: (CSVTable) throws -> [String]?
  ) throws -> SplitSamples {
    let table = try CSVTable(file.bytes, path: file.path)
    let target = configuration.target
    let columns = try configuration.columns ?? table.features(besides: target)
    let classes = try classes(table)
    let samples = try SampleSet(
      table: table, target: target, columns: columns, classes: classes)
    let (train, heldOut) = try configuration.folds.split(samples, seed: seed)
    return SplitSamples(
      train: train, heldOut: heldOut,
      description: SampleDescription(
        of: train, normalizes: configuration.normalize, columns: columns, target: target,
        classes: classes,
        names: try classes.flatMap {
          try configuration.classes?.names(of: $0, file: names, path: file.path)
        }),
      table: table, numbers: columns + (classes == nil ? [target] : []))
  }
}

extension DataConfiguration {
  /// The files of samples; empty where the data are texts.
  var samplePaths: (train: [String], validation: [String]) {
    switch format {
    case .idx(let images): SampleSource.images(images).paths
    case .csv(let table): SampleSource.values(table).paths
    case .tokens, .pairs, .conversations, .preferences, .texts: ([], [])
    }
  }
}

/// The files of samples, read but not yet understood.
struct SampleFiles {
  typealias File = (bytes: [UInt8], path: String)

  /// The file of samples, and for images that of the labels.
  let train: [File]
  /// Empty where nothing is held out.
  let validation: [File]
  /// The names of the classes, where a file has them.
  let names: File?

  /// Reads the files in their order.
  ///
  /// - Parameter read: The uncompressed bytes of a file; on several ranks a collective.
  init(_ source: SampleSource, read: (String) throws -> [UInt8]) throws {
    let paths = source.paths
    train = try paths.train.map { (try read($0), $0) }
    validation = try paths.validation.map { (try read($0), $0) }
    names = try source.classNames?.path.map { (try read($0), $0) }
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
