import LockstepTensors

/// The weight of a model's head: logits = x Wᵀ, which the loss computes in chunks. It is no `Linear`, for nothing
/// calls it as a layer.
public struct OutputHead: Module {
  /// [V, D].
  public let weight: Parameter

  /// - Parameters:
  ///   - count: V.
  ///   - width: D.
  ///   - initializer: Of the weight.
  public init(count: Int, width: Int, initializer: Initializer) {
    weight = Parameter([count, width], initializer: initializer)
    weight.canBeCompact = true
  }
}
