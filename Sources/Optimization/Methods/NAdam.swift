import CLockstepKernels
import LockstepSettings

/// Adam with Nesterov's momentum.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     m = β₁ m + (1 - β₁) g
///     v = β₂ v + (1 - β₂) g²
///     μₜ = β₁ (1 - 0.96^(t ψ) / 2)
///     p = p - rate · ((1 - μₜ) / (1 - μ₁ … μₜ) · g + μₜ₊₁ / (1 - μ₁ … μₜ₊₁) · m)
///                    / (√(v / (1 - β₂ᵗ)) + ε)
///
/// T. Dozat, "Incorporating Nesterov Momentum into Adam", 2016, as `torch.optim.NAdam`. Checkpoints
/// call m `exp_avg` and v `exp_avg_sq`.
public struct NAdam: ElementwiseMethod, Configurable {
  public var betas = [0.9, 0.999]
  public var epsilon = 1e-8
  /// ψ, how fast the momentum approaches β₁.
  public var momentumDecay = 0.004
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      betas(\.betas), epsilon(\.epsilon),
      Field(
        "momentum_decay", \.momentumDecay, .atLeast(0),
        meaning: "How fast the momentum approaches the first of the betas."),
      coupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  /// μₜ
  public func factor(step: Int) -> Double {
    betas[0] * (1 - 0.5 * CKernels_power(0.96, Double(step) * momentumDecay))
  }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let (momentum, next) = (factor(step: point.step), factor(step: point.step + 1))
    let (rate, product) = (point.learningRate, point.factorProduct)
    var step = CKernels_AdamStep(point, betas: betas, epsilon: epsilon)
    step.decay = Float(point.weightDecay)
    step.gradient_step = Float(rate * (1 - momentum) / (1 - product))
    step.step_size = Float(rate * next / (1 - product * next))
    CKernels_nadam(run.parameters, run.gradient, run.state(0), run.state(1), run.count, step)
  }
}
