/// A named tensor somewhere in memory, dense and row-major: what a checkpoint is made of.
///
/// The memory belongs to the maker of the view and must outlive its use. Sendable because a view is
/// only read, and only between the moment it is handed over and the moment its user returns.
public struct TensorView: @unchecked Sendable {
  /// The name in the file, such as `transformer.h.0.attn.c_attn.weight`.
  public let name: String
  /// Extent of each axis; empty for a scalar.
  public let shape: [Int]
  /// The elements, as many as the product of `shape`.
  public let values: UnsafeBufferPointer<Float>

  /// - Precondition: `values` has as many elements as `shape` says.
  public init(name: String, shape: [Int], values: UnsafeBufferPointer<Float>) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == values.count,
      "tensor '\(name)' of shape \(shape) has \(values.count) elements")
    self.name = name
    self.shape = shape
    self.values = values
  }

  /// Name and shape.
  package var layout: TensorLayout { TensorLayout(name: name, shape: shape) }

  /// The elements as they lie in memory: little-endian on every processor that Lockstep runs on.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(values) }

  /// The same tensor elsewhere.
  package func relocated(to values: UnsafeBufferPointer<Float>) -> TensorView {
    TensorView(name: name, shape: shape, values: values)
  }
}

#if _endian(big)
  #error("safetensors files are little-endian: big-endian processors need a byte swap here")
#endif
