import LockstepTensors

/// RMS norm over the innermost dimension (Zhang and Sennrich, 2019).
public struct RMSNorm: Module {
  /// [D].
  public let weight: Parameter
  public let epsilon: Float

  /// - Parameters:
  ///   - width: D.
  ///   - epsilon: Default: 1e-5.
  public init(width: Int, epsilon: Float = 1e-5) {
    weight = Parameter([width], initializer: .ones)
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: [..., D].
  ///   - multipliesOnly: As for `LayerNorm`. Default: false.
  /// - Returns: [..., D].
  public func callAsFunction(_ x: Tensor, multipliesOnly: Bool = false) -> Tensor {
    x.rmsNorm(weight: weight.tensor, epsilon: epsilon, multipliesOnly: multipliesOnly)
  }
}
