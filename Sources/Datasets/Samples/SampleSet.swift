/// Samples in memory, each with a class or a value to be predicted.
public struct SampleSet: Sendable {
  /// What a sample is known by.
  public enum Features: Sendable {
    /// Pixels, 0 ... 255.
    case pixels(SampleElements<UInt8>)
    /// A table's numbers.
    case numbers(SampleElements<Float>)
  }

  /// What is to be predicted, one for each sample.
  public enum Targets: Sendable {
    /// Each in 0 ..< the number of classes.
    case classes([Int32])
    case values([Float])
    /// Nobody knows: the samples are new.
    case unknown
  }

  /// The file that it came from.
  public let path: String
  public let count: Int
  /// Of one sample: [H, W] of an image, [F] of a table's row.
  public let sampleShape: [Int]
  /// [count, sampleShape].
  public let features: Features
  public let targets: Targets

  /// Numbers of one sample.
  public var featureCount: Int { sampleShape.reduce(1, *) }

  /// Images with their labels.
  ///
  /// - Parameters:
  ///   - images: An IDX file [count, H, W], uncompressed.
  ///   - labels: An IDX file [count], uncompressed.
  ///   - classCount: Labels are below it; nil: any.
  /// - Throws: `SampleDataError`.
  public init(
    images: (bytes: [UInt8], path: String), labels: (bytes: [UInt8], path: String),
    classCount: Int?
  ) throws(SampleDataError) {
    let pixels = try IDXFile(images.bytes, path: images.path, dimensionCount: 3)
    let classes = try IDXFile(labels.bytes, path: labels.path, dimensionCount: 1)
    guard pixels.dimensions[0] == classes.elements.count else {
      throw .unequalCounts(
        images: images.path, imageCount: pixels.dimensions[0], labels: labels.path,
        labelCount: classes.elements.count)
    }
    guard !pixels.elements.isEmpty else { throw .noSamples(path: images.path) }
    if let classCount, let wrong = classes.elements.firstIndex(where: { $0 >= classCount }) {
      throw .unknownClass(
        path: labels.path, place: "label \(wrong)", found: "\(classes.elements[wrong])",
        expected: "0 to \(classCount - 1)")
    }
    path = images.path
    count = pixels.dimensions[0]
    sampleShape = Array(pixels.dimensions.dropFirst())
    features = .pixels(SampleElements(pixels.elements))
    targets = .classes(classes.elements.map(Int32.init))
  }

  /// The rows of a table.
  ///
  /// - Parameters:
  ///   - target: The column to be predicted.
  ///   - columns: Those to predict it from.
  ///   - classes: The target's possible contents, in the order of their numbers; nil: it is a
  ///     number.
  /// - Throws: `SampleDataError`.
  public init(
    table: CSVTable, target: String, columns: [String], classes: [String]?
  ) throws(SampleDataError) {
    guard !table.rows.isEmpty else { throw .noSamples(path: table.path) }
    guard !columns.isEmpty else { throw .noFeatures(path: table.path, target: target) }
    var places: [Int] = []
    for column in columns { places.append(try table.index(of: column)) }
    let targetPlace = try table.index(of: target)
    var numbers: [Float] = []
    numbers.reserveCapacity(table.rows.count * columns.count)
    for row in table.rows {
      for place in places { numbers.append(try table.number(row, place)) }
    }
    if let classes {
      let numberOf = Dictionary(
        uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
      var found: [Int32] = []
      for row in table.rows {
        let name = try table.name(row, targetPlace)
        guard let number = numberOf[name] else {
          throw .unknownClass(
            path: table.path, place: "line \(row.line)", found: "\"\(name)\"",
            expected: "one of those learned from: \(classes.joined(separator: ", "))")
        }
        found.append(number)
      }
      targets = .classes(found)
    } else {
      var values: [Float] = []
      for row in table.rows { values.append(try table.number(row, targetPlace)) }
      targets = .values(values)
    }
    path = table.path
    count = table.rows.count
    sampleShape = [columns.count]
    features = .numbers(SampleElements(numbers))
  }
}

extension SampleSet {
  /// Some of the samples, in this order.
  func selecting(_ indices: [Int]) -> SampleSet {
    let width = featureCount
    func rows<Number>(_ elements: SampleElements<Number>) -> SampleElements<Number> {
      SampleElements(indices.flatMap { elements[$0 * width..<($0 + 1) * width] })
    }
    let features: Features =
      switch self.features {
      case .pixels(let pixels): .pixels(rows(pixels))
      case .numbers(let numbers): .numbers(rows(numbers))
      }
    let targets: Targets =
      switch self.targets {
      case .classes(let classes): .classes(indices.map { classes[$0] })
      case .values(let values): .values(indices.map { values[$0] })
      case .unknown: .unknown
      }
    return SampleSet(
      path: path, count: indices.count, sampleShape: sampleShape, features: features,
      targets: targets)
  }

  /// These samples and, behind them, others of the same shape and kind of targets.
  package func appending(_ other: SampleSet) -> SampleSet {
    precondition(other.sampleShape == sampleShape, "samples of two shapes")
    let features: Features =
      switch (self.features, other.features) {
      case (.pixels(let first), .pixels(let second)):
        .pixels(SampleElements(Array(first) + Array(second)))
      case (.numbers(let first), .numbers(let second)):
        .numbers(SampleElements(Array(first) + Array(second)))
      case (.pixels, .numbers), (.numbers, .pixels):
        preconditionFailure("images and rows of a table are not joined")
      }
    let targets: Targets =
      switch (self.targets, other.targets) {
      case (.classes(let first), .classes(let second)): .classes(first + second)
      case (.values(let first), .values(let second)): .values(first + second)
      default: .unknown
      }
    return SampleSet(
      path: path, count: count + other.count, sampleShape: sampleShape, features: features,
      targets: targets)
  }

  /// The same samples with their features in other memory.
  ///
  /// - Parameter place: Given the bytes of the features, returns where the same bytes are, which
  ///   nobody changes, and what keeps them.
  package func moving(
    _ place: (UnsafeRawBufferPointer) throws -> (bytes: UnsafeRawBufferPointer, owner: any Sendable)
  ) throws -> SampleSet {
    func moved<Number>(_ elements: SampleElements<Number>) throws -> SampleElements<Number> {
      let (bytes, owner) = try elements.withBytes(place)
      precondition(bytes.count == elements.count * MemoryLayout<Number>.stride)
      return SampleElements(viewing: bytes, owner: owner)
    }
    let features: Features =
      switch self.features {
      case .pixels(let pixels): .pixels(try moved(pixels))
      case .numbers(let numbers): .numbers(try moved(numbers))
      }
    return SampleSet(
      path: path, count: count, sampleShape: sampleShape, features: features, targets: targets)
  }

  package init(
    path: String, count: Int, sampleShape: [Int], features: Features, targets: Targets
  ) {
    self.path = path
    self.count = count
    self.sampleShape = sampleShape
    self.features = features
    self.targets = targets
  }
}
