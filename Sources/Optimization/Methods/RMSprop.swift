import CLockstepKernels
import LockstepSettings

/// The gradient over the root of its running mean square.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     s = α s + (1 - α) g²
///     m = α m + (1 - α) g                                               (centred; otherwise 0)
///     v = momentum · v + g / (√(s - m²) + ε)
///     p = p - rate · v
///
/// T. Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; centred as in A. Graves,
/// "Generating Sequences With Recurrent Neural Networks", 2013; as `torch.optim.RMSprop`.
/// Checkpoints call s `square_avg`, m `grad_avg` and v `momentum_buffer`.
public struct RMSprop: ElementwiseMethod, Configurable {
  /// α
  public var smoothing = 0.99
  public var momentum = 0.0
  public var isCentred = false
  public var epsilon = 1e-8
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "smoothing", \.smoothing, .within(0..<1),
        meaning: "How much of the running mean of squares is kept, per step."),
      Field(
        "momentum", \.momentum, .within(0..<1),
        meaning: "How much of the last update's direction is kept."),
      Field(
        "centered", \.isCentred,
        meaning: "Whether the gradient is divided by its deviation: its mean is subtracted."),
      epsilon(\.epsilon), coupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] {
    ["square_avg"] + (isCentred ? ["grad_avg"] : []) + (momentum > 0 ? ["momentum_buffer"] : [])
  }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let step = CKernels_SquaresStep(
      gradient_scale: point.scale, decay: Float(point.weightDecay),
      learning_rate: Float(point.learningRate), epsilon: Float(epsilon),
      squares_keep: Float(smoothing), squares_rate: Float(1 - smoothing),
      momentum: Float(momentum))
    CKernels_rmsprop(
      run.parameters, run.gradient, run.state(0), isCentred ? run.state(1) : nil,
      momentum > 0 ? run.state(isCentred ? 2 : 1) : nil, run.count, step)
  }
}
