import CLockstepKernels
import LockstepSettings

/// Adam, whose weight decay is part of the gradient.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     m = β₁ m + (1 - β₁) g
///     v = β₂ v + (1 - β₂) g²
///     p = p - rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
///
/// D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, Algorithm 1, as
/// `torch.optim.Adam`. Checkpoints call m `exp_avg` and v `exp_avg_sq`.
public struct Adam: ElementwiseMethod, Configurable {
  public var betas = [0.9, 0.999]
  public var epsilon = 1e-8
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [betas(\.betas), epsilon(\.epsilon), coupledDecay(\.weightDecay)]
  }

  public var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    var step = CKernels_AdamStep(point, betas: betas, epsilon: epsilon)
    step.decay = Float(point.weightDecay)
    CKernels_adam(run.parameters, run.gradient, run.state(0), run.state(1), run.count, step)
  }
}
