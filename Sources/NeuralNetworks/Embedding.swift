import LockstepTensors

/// A table of vectors, looked up by token.
public struct Embedding: Module {
  /// [V, D].
  public let weight: Parameter

  /// - Parameters:
  ///   - count: V, how many vectors.
  ///   - width: D.
  ///   - initializer: Default: normal with deviation 1, PyTorch's.
  public init(count: Int, width: Int, initializer: Initializer = .normal(deviation: 1)) {
    weight = Parameter([count, width], initializer: initializer)
    weight.canBeCompact = true
  }

  /// - Parameter tokens: Each in 0 ..< V, [B, T].
  /// - Returns: [B, T, D].
  public func callAsFunction(_ tokens: Indices) -> Tensor {
    weight.tensor.rows(at: tokens)
  }
}
