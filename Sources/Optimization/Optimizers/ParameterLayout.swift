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
  /// Every rank's parts of the flat buffer, ascending, none of them empty; together they are all of it.
  public let parts: [[Range<Int>]]
  public let rank: Int

  /// - Parameter parts: Every rank's. Default: one rank has everything.
  public init(
    tensors: [OptimizedTensor], elementCount: Int, parts: [[Range<Int>]]? = nil, rank: Int = 0
  ) {
    let parts = (parts ?? [[0..<elementCount]]).map { $0.filter { !$0.isEmpty } }
    let all = parts.joined().sorted { $0.lowerBound < $1.lowerBound }
    precondition(
      all.first?.lowerBound ?? 0 == 0 && all.last?.upperBound ?? 0 == elementCount
        && zip(all, all.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound },
      "parts cover \(elementCount) elements: \(parts)")
    precondition(
      zip(tensors, tensors.dropFirst()).allSatisfy { $0.range.upperBound <= $1.range.lowerBound },
      "tensors ascend and do not overlap")
    self.tensors = tensors
    self.elementCount = elementCount
    self.parts = parts
    self.rank = rank
  }

  /// This rank's elements.
  public var ownParts: [Range<Int>] { parts[rank] }

  /// How many elements this rank updates.
  public var ownCount: Int { ownParts.reduce(0) { $0 + $1.count } }

  /// This rank's elements where they are one range.
  public var slice: Range<Int> {
    precondition(ownParts.count <= 1, "rank \(rank) has \(ownParts.count) parts, not a slice")
    return ownParts.first ?? 0..<0
  }

  /// Every part and its owner, in the order of the flat buffer.
  var owned: [(rank: Int, elements: Range<Int>)] {
    parts.enumerated().flatMap { rank, parts in parts.map { (rank, $0) } }
      .sorted { $0.elements.lowerBound < $1.elements.lowerBound }
  }

  /// Zeroes what of some elements is of no tensor.
  ///
  /// - Parameter values: The flat buffer.
  package func clearPadding(
    of values: UnsafeMutableBufferPointer<Float>, in elements: Range<Int>
  ) {
    var end = elements.lowerBound
    for tensor in tensors where tensor.range.overlaps(elements) {
      values[end..<max(end, tensor.range.lowerBound)].update(repeating: 0)
      end = min(tensor.range.upperBound, elements.upperBound)
    }
    values[end..<elements.upperBound].update(repeating: 0)
  }

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
      parts: owned.map { OptimizerState.Part(rank: $0.rank, elements: $0.elements) },
      values: values)
  }
}
