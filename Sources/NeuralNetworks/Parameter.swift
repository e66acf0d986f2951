import Tensors

/// A trainable array: declared with its shape and initialiser by the layer that owns it, and given
/// its memory by the `ParameterStore` that gathers a model's parameters.
public final class Parameter {
  public let shape: Shape
  public let initializer: Initializer
  /// Whether weight decay applies; by default to matrices only, not to biases and norms.
  public let decays: Bool

  private var bound: Tensor?

  /// - Parameters:
  ///   - shape: As stored and as written to checkpoints.
  ///   - initializer: Fills it before training.
  ///   - decays: Default: whether the shape has at least two dimensions.
  public init(_ shape: Shape, initializer: Initializer, decays: Bool? = nil) {
    self.shape = shape
    self.initializer = initializer
    self.decays = decays ?? (shape.rank >= 2)
  }

  /// The values, as a tensor whose gradient goes to the store's gradient buffer.
  public var tensor: Tensor {
    guard let bound else {
      preconditionFailure(
        "a parameter of shape \(shape) is used before a ParameterStore gave it memory")
    }
    return bound
  }

  func bind(to tensor: Tensor) {
    bound = tensor
  }
}
