import CLockstepKernels
import LockstepSettings

/// Adam with decoupled weight decay.
///
///     g = scale · gradient
///     m = β₁ m + (1 - β₁) g
///     v = β₂ v + (1 - β₂) g²
///     p = p - rate · decay · p                                          (matrices only)
///     p = p - rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
///
/// I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019, Algorithm 2, with the
/// epsilon where `torch.optim.AdamW` has it. Checkpoints call m `exp_avg` and v `exp_avg_sq`.
public struct AdamW: ElementwiseMethod, Configurable {
  /// β₁ and β₂: decay rates of the gradient's mean and of its square's mean, per optimiser step.
  public var betas = [0.9, 0.95]
  public var epsilon = 1e-8
  public var weightDecay = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [betas(\.betas), epsilon(\.epsilon), decoupledDecay(\.weightDecay)]
  }

  public var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    var step = CKernels_AdamStep(point, betas: betas, epsilon: epsilon)
    step.keep = Float(1 - point.learningRate * point.weightDecay)
    CKernels_adam(run.parameters, run.gradient, run.state(0), run.state(1), run.count, step)
  }
}
