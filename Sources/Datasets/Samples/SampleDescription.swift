/// What a model has to know of the samples that it learned from, to be used on others: kept in every
/// checkpoint as `samples.json`.
public struct SampleDescription: Codable, Sendable, Equatable {
  /// Of one sample: [H, W] of an image, [F] of a table's row.
  public var sampleShape: [Int]
  /// A table's columns; nil for images.
  public var columns: [String]?
  /// The column to be predicted; nil for images.
  public var target: String?
  /// What the data call the classes, in the order of their numbers; nil where a value is predicted.
  public var classes: [String]?
  /// What people call them; nil: the same.
  public var names: [String]?
  /// Subtracted from each feature; one for all, or one each.
  public var means: [Double]
  /// What is left is divided by these.
  public var deviations: [Double]
  /// The mean of the values to be predicted; 0 for classes.
  public var targetMean: Double

  enum CodingKeys: String, CodingKey {
    case columns, target, classes, names, means, deviations
    case sampleShape = "sample_shape"
    case targetMean = "target_mean"
  }

  /// The classes' names in the order of their numbers; nil where a value is predicted.
  public var classNames: [String]? { names ?? classes }

  /// The name of a class.
  ///
  /// - Parameter label: What the data call it; a class that nobody knows keeps that.
  public func className(of label: String) -> String {
    guard let names, let number = classes?.firstIndex(of: label) else { return label }
    return names[number]
  }

  /// The numbers that a model gives for a sample: one for each class, or one value.
  public var outputCount: Int { classes?.count ?? 1 }

  /// - Parameters:
  ///   - samples: Those learned from: the statistics are theirs.
  ///   - normalizes: Whether features are brought to mean 0 and deviation 1. Pixels that are not are
  ///     divided by 255.
  ///   - names: What people call the classes. Default: what the data call them.
  public init(
    of samples: SampleSet, normalizes: Bool, columns: [String]? = nil, target: String? = nil,
    classes: [String]? = nil, names: [String]? = nil
  ) {
    sampleShape = samples.sampleShape
    self.columns = columns
    self.target = target
    self.classes = classes
    self.names = names == classes ? nil : names
    switch samples.features {
    case .pixels(let pixels):
      (means, deviations) = normalizes ? Self.statistics(of: pixels) : ([0], [255])
    case .numbers(let numbers):
      let width = samples.featureCount
      (means, deviations) =
        normalizes
        ? Self.statistics(of: numbers, columns: width)
        : ([Double](repeating: 0, count: width), [Double](repeating: 1, count: width))
    }
    targetMean = 0
    if case .values(let values) = samples.targets {
      targetMean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }
  }

  /// One mean and deviation for all pixels, from sums of whole numbers: exact in any order.
  private static func statistics(of pixels: SampleElements<UInt8>) -> ([Double], [Double]) {
    var (sum, squares) = (0, 0)
    for pixel in pixels {
      sum += Int(pixel)
      squares += Int(pixel) * Int(pixel)
    }
    let mean = Double(sum) / Double(pixels.count)
    let variance = Double(squares) / Double(pixels.count) - mean * mean
    return ([mean], [divisor(variance: variance)])
  }

  /// A mean and deviation for each column; rows are added in order, in Double.
  private static func statistics(
    of numbers: SampleElements<Float>, columns: Int
  ) -> (means: [Double], deviations: [Double]) {
    let rows = numbers.count / columns
    let means = (0..<columns).map { column in
      (0..<rows).reduce(0.0) { $0 + Double(numbers[$1 * columns + column]) } / Double(rows)
    }
    let deviations = (0..<columns).map { column in
      let squares = (0..<rows).reduce(0.0) { sum, row in
        let distance = Double(numbers[row * columns + column]) - means[column]
        return sum + distance * distance
      }
      return divisor(variance: squares / Double(rows))
    }
    return (means, deviations)
  }

  /// What is the same in all samples is not divided by zero.
  private static func divisor(variance: Double) -> Double {
    variance > 0 ? variance.squareRoot() : 1
  }
}
