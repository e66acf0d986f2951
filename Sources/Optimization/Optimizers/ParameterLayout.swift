/// One parameter as an optimiser sees it.
public struct OptimizedTensor: Sendable, Equatable {
  /// The name in checkpoints.
  public let name: String
  public let shape: [Int]
  /// The elements in the flat parameter buffer.
  public let range: Range<Int>
  /// Whether the method's weight decay applies; usually to matrices only.
  public let decays: Bool
  /// Factor on the learning rate. Default: 1.
  public var rate = 1.0
  /// Weight decay in place of the method's; nil leaves that. Default: nil.
  public var weightDecay: Double?

  public init(name: String, shape: [Int], range: Range<Int>, decays: Bool) {
    precondition(shape.reduce(1, *) == range.count, "\(name): \(shape) in \(range)")
    self.name = name
    self.shape = shape
    self.range = range
    self.decays = decays
  }

  /// The tensor as a matrix: the first extent, and all others together; nil for a vector.
  public var matrix: (rows: Int, columns: Int)? {
    guard shape.count >= 2, let rows = shape.first, rows > 0 else { return nil }
    return (rows, range.count / rows)
  }

  /// The decay that applies, given the method's.
  func weightDecay(of method: Double) -> Double { weightDecay ?? (decays ? method : 0) }
}

/// The table of parameters in the flat buffer, and which part of the buffer each rank updates.
public struct ParameterLayout: Sendable {
  /// Ascending and disjoint. Between them there may be padding, which is zero and stays zero.
  public let tensors: [OptimizedTensor]
  /// Elements of the flat buffer.
  public let elementCount: Int
  /// Every rank's part of the flat buffer: ascending, adjacent, covering it.
  public let slices: [Range<Int>]
  public let rank: Int

  public init(
    tensors: [OptimizedTensor], elementCount: Int, slices: [Range<Int>]? = nil, rank: Int = 0
  ) {
    let slices = slices ?? [0..<elementCount]
    precondition(
      slices.first?.lowerBound == 0 && slices.last?.upperBound == elementCount
        && zip(slices, slices.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound },
      "slices cover \(elementCount) elements in order: \(slices)")
    precondition(
      zip(tensors, tensors.dropFirst()).allSatisfy { $0.range.upperBound <= $1.range.lowerBound },
      "tensors ascend and do not overlap")
    self.tensors = tensors
    self.elementCount = elementCount
    self.slices = slices
    self.rank = rank
  }

  /// This rank's elements.
  public var slice: Range<Int> { slices[rank] }

  /// A state with one value for each element, held by the ranks that update the elements.
  ///
  /// - Parameter name: Before each tensor's name in a checkpoint: `exp_avg`.
  public func state(
    _ name: String, values: UnsafeMutableBufferPointer<Float>
  ) -> OptimizerState {
    OptimizerState(
      tensors: tensors.map {
        OptimizerState.Tensor(name: "\(name)/\($0.name)", shape: $0.shape, elements: $0.range)
      },
      elementCount: elementCount,
      parts: slices.enumerated().map { OptimizerState.Part(rank: $0, elements: $1) },
      values: values)
  }
}
