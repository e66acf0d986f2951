extension Tensor {
  /// A tensor at which differentiation ends: the gradient of what is computed from it gathers there.
  ///
  /// - Parameters:
  ///   - elements: In row-major order.
  ///   - shape: Of as many elements.
  public static func variable(
    _ elements: [Float], shape: Shape, in workspace: Workspace
  ) -> Tensor {
    Tensor(
      shape: shape, workspace: workspace,
      buffer: Tensor(elements, shape: shape, in: workspace).buffer,
      node: Node(shape: shape, workspace: workspace, gradient: GradientSlot()))
  }

  /// A copy of the gradient that `backward()` left at a variable or a parameter, in row-major order; nil
  /// where none came. What was computed from others hands its gradient on: `observed(as:)` shows it.
  public var gradient: [Float]? {
    guard let node, node.origin == nil else { return nil }
    return node.gradient.elements(count: count)
  }
}
