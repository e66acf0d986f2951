import CLockstepKernels
import LockstepSettings

/// Stochastic gradient descent, with momentum if wanted. On batches that hold all of the data it is
/// batch gradient descent.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     v = momentum · v + g
///     p = p - rate · v,   or   p - rate · (g + momentum · v) for Nesterov
///
/// As `torch.optim.SGD` without dampening: decay is added to the gradient (L2), and the velocity
/// is not scaled by 1 - momentum. B. Polyak, "Some methods of speeding up the convergence of
/// iteration methods", 1964; Nesterov's in the form of I. Sutskever et al., "On the importance of
/// initialization and momentum in deep learning", 2013. Checkpoints call v `momentum_buffer`;
/// without momentum there is none.
public struct SGD: ElementwiseMethod, Configurable {
  public var momentum = 0.0
  /// Whether the gradient is taken where the velocity leads to.
  public var nesterov = false
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "momentum", \.momentum, .within(0..<1),
        meaning: "How much of the last update's direction is kept."),
      Field(
        "nesterov", \.nesterov,
        meaning: "Whether the gradient counts as that of the place where the momentum leads to."),
      coupledDecay(\.weightDecay),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      !nesterov || momentum > 0, "nesterov", "false, because momentum is 0",
      involving: "momentum")
  }

  public var stateNames: [String] { momentum > 0 ? ["momentum_buffer"] : [] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let step = CKernels_SGDStep(
      gradient_scale: point.scale, decay: Float(point.weightDecay), momentum: Float(momentum),
      learning_rate: Float(point.learningRate), is_nesterov: nesterov ? 1 : 0)
    if momentum > 0 {
      CKernels_sgdWithMomentum(run.parameters, run.gradient, run.state(0), run.count, step)
    } else {
      CKernels_sgd(run.parameters, run.gradient, run.count, step)
    }
  }
}
