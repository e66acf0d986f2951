/// Name and shape of a tensor of `Float`, wherever its elements are.
public struct TensorLayout: Equatable, Sendable {
  /// The name in the file, such as `transformer.h.0.attn.c_attn.weight`.
  public let name: String
  /// Extent of each axis; empty for a scalar.
  public let shape: [Int]

  /// - Precondition: No extent is negative.
  public init(name: String, shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "tensor '\(name)' can not have shape \(shape)")
    self.name = name
    self.shape = shape
  }

  /// How many elements there are.
  public var elementCount: Int { shape.reduce(1, *) }

  /// Bytes in a file.
  package var byteCount: Int { elementCount * MemoryLayout<Float>.stride }
}
