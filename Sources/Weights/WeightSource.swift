/// A tensor as a source stores it.
public struct StoredTensor: Equatable, Sendable {
  /// As the source calls it; `WeightNames` says which parameter is meant.
  public let name: String
  /// Extent of each axis, the slowest first, whatever the order in the file; empty for a scalar.
  public let shape: [Int]
  /// How the elements are stored, as the format calls it: `F32`, `BF16`.
  public let encoding: String

  public init(name: String, shape: [Int], encoding: String) {
    self.name = name
    self.shape = shape
    self.encoding = encoding
  }
}

/// Where a model's tensors come from: a file, or several that belong together.
///
/// A source knows how its elements are stored and hands them out as `Float`; how a block of quantised
/// elements is decoded is nobody else's business. It does not know what its names mean.
public protocol WeightSource: Sendable {
  /// What errors call it: the file, or the one that lists the others.
  var path: String { get }
  /// The files that hold the tensors, by their paths. Default: `path` alone.
  var files: [String] { get }
  /// All tensors, in the order in which they are best read.
  var tensors: [StoredTensor] { get }

  /// Copies a tensor's elements, row-major, into memory that the caller owns. Several threads may read at a
  /// time.
  ///
  /// - Parameters:
  ///   - name: One of `tensors`.
  ///   - shape: The shape it must have.
  ///   - destination: As many elements as `shape` says.
  /// - Throws: `WeightError` where there is no such tensor, it has another shape, or its elements can
  ///   not be turned into `Float` without loss.
  func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError)

  /// Copies some of a tensor's elements: as `read(_:shape:into:)`, by which it is done where a source knows
  /// no shorter way.
  ///
  /// - Parameters:
  ///   - elements: Which, in row-major order.
  ///   - destination: As many elements.
  func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError)
}

extension WeightSource {
  public func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    let whole = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.reduce(1, *))
    defer { whole.deallocate() }
    try read(name, shape: shape, into: whole)
    precondition(
      elements.count == destination.count && elements.lowerBound >= 0
        && elements.upperBound <= whole.count,
      "elements \(elements) of \(whole.count) for \(destination.count)")
    guard let first = whole.baseAddress else { return }
    destination.baseAddress?.update(from: first + elements.lowerBound, count: elements.count)
  }
}

extension WeightSource {
  public var files: [String] { [path] }
}
