import LockstepTensors

/// Layer norm over the innermost dimension (Ba et al., 2016).
public struct LayerNorm: Module {
  /// [D].
  public let weight: Parameter
  /// [D].
  public let bias: Parameter
  public let epsilon: Float

  /// - Parameters:
  ///   - width: D.
  ///   - epsilon: Default: 1e-5.
  public init(width: Int, epsilon: Float = 1e-5) {
    weight = Parameter([width], initializer: .ones)
    bias = Parameter([width], initializer: .zeros)
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: [..., D].
  ///   - multipliesOnly: Whether the result is a factor of products and nothing else. Default: false.
  /// - Returns: [..., D].
  public func callAsFunction(_ x: Tensor, multipliesOnly: Bool = false) -> Tensor {
    x.layerNorm(
      weight: weight.tensor, bias: bias.tensor, epsilon: epsilon, multipliesOnly: multipliesOnly)
  }
}
