import LockstepTensors

/// A tensor at the start of a graph, with memory of its own for its values and its gradient.
///
/// The gradient's memory starts as NaN: what a backward pass forgets to write shows.
public final class Leaf {
  public let tensor: Tensor
  private let gradientMemory: FloatMemory

  /// - Parameters:
  ///   - elements: In row-major order.
  ///   - needsGradient: Default: true.
  public init(
    _ elements: [Float], shape: Shape, needsGradient: Bool = true, in workspace: Workspace
  ) {
    precondition(elements.count == shape.count)
    let values = FloatMemory(count: max(elements.count, 1))
    _ = values.elements.update(from: elements)
    gradientMemory = FloatMemory(count: max(elements.count, 1))
    gradientMemory.elements.update(repeating: .nan)
    var slot: GradientSlot?
    if needsGradient {
      let new = GradientSlot()
      new.direct(into: gradientMemory, 0..<elements.count)
      slot = new
    }
    tensor = Tensor(viewing: values, shape: shape, gradient: slot, in: workspace)
  }

  /// What the last backward pass wrote.
  public var gradient: [Float] {
    Array(gradientMemory.elements.prefix(tensor.shape.count))
  }
}
