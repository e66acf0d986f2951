import LockstepTensors

/// A tensor at the start of a graph, with memory of its own for its values and its gradient.
///
/// The gradient's memory starts as NaN: what a backward pass forgets to write shows.
public final class Leaf {
  public let tensor: Tensor
  private let values: UnsafeMutablePointer<Float>
  private let gradientMemory: UnsafeMutablePointer<Float>

  /// - Parameters:
  ///   - elements: In row-major order.
  ///   - needsGradient: Default: true.
  public init(
    _ elements: [Float], shape: Shape, needsGradient: Bool = true, in workspace: Workspace
  ) {
    precondition(elements.count == shape.count)
    values = .allocate(capacity: max(elements.count, 1))
    values.initialize(repeating: 0, count: max(elements.count, 1))
    for (index, element) in elements.enumerated() { values[index] = element }
    gradientMemory = .allocate(capacity: max(elements.count, 1))
    gradientMemory.initialize(repeating: .nan, count: max(elements.count, 1))
    var slot: GradientSlot?
    if needsGradient {
      let new = GradientSlot()
      new.direct(into: gradientMemory, count: elements.count)
      slot = new
    }
    tensor = Tensor(viewing: values, shape: shape, gradient: slot, in: workspace)
  }

  /// What the last backward pass wrote.
  public var gradient: [Float] {
    Array(UnsafeBufferPointer(start: gradientMemory, count: tensor.shape.count))
  }

  deinit {
    values.deallocate()
    gradientMemory.deallocate()
  }
}
