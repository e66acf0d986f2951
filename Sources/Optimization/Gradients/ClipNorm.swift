/// Clips the gradient of all parameters together to a largest norm.
///
///     factor = min(1, maximum / (norm + 1e-6))
///
/// As `torch.nn.utils.clip_grad_norm_`; R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of
/// training recurrent neural networks", 2013, Algorithm 1.
public struct ClipNorm: Equatable, Sendable {
  /// The largest norm, above 0, or nil to leave gradients alone.
  public let maximum: Double?

  /// - Parameter maximum: The largest norm; 0 turns clipping off. Default: 1.
  public init(maximum: Double = 1) {
    precondition(maximum >= 0, "a norm is not negative, as \(maximum) is")
    self.maximum = maximum > 0 ? maximum : nil
  }

  /// What to multiply the gradient with.
  ///
  /// - Parameter norm: The Euclidean norm of the gradient after division by the token count, over
  ///   all parameters; finite.
  public func factor(norm: Double) -> Double {
    guard let maximum else { return 1 }
    return min(1, maximum / (norm + 1e-6))
  }
}
