import CLockstepKernels
import LockstepSettings

/// Adam with the largest recent gradient in place of the mean square.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     m = β₁ m + (1 - β₁) g
///     u = max(β₂ u, |g| + ε)
///     p = p - rate / (1 - β₁ᵗ) · m / u
///
/// D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, Algorithm 2, as
/// `torch.optim.Adamax`. Checkpoints call m `exp_avg` and u `exp_inf`.
public struct Adamax: ElementwiseMethod, Configurable {
  public var betas = [0.9, 0.999]
  public var epsilon = 1e-8
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "betas", \.betas, .count(2, each: .within(0..<1)),
        meaning:
          "How much of the gradient's running mean and of its largest size is kept, per step."),
      Field(
        "epsilon", \.epsilon, .above(0),
        meaning: "Added to the gradient's size, so that nothing is divided by zero."),
      coupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] { ["exp_avg", "exp_inf"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    var step = CKernels_AdamStep(point, betas: betas, epsilon: epsilon)
    step.decay = Float(point.weightDecay)
    CKernels_adamax(run.parameters, run.gradient, run.state(0), run.state(1), run.count, step)
  }
}
