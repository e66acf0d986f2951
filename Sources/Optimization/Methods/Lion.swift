import CLockstepKernels
import LockstepSettings

/// Steps of one size, in the direction of the sign of the momentum.
///
///     g = scale · gradient
///     p = p - rate · decay · p                                          (matrices only)
///     p = p - rate · sign(β₁ m + (1 - β₁) g)
///     m = β₂ m + (1 - β₂) g
///
/// X. Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, Algorithm 2. Checkpoints
/// call m `exp_avg`. Learning rates are 3 to 10 times smaller than AdamW's, decay as much larger.
public struct Lion: ElementwiseMethod, Configurable {
  public var betas = [0.9, 0.99]
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "betas", \.betas, .count(2, each: .within(0..<1)),
        meaning:
          "How much of the momentum is in the direction, and how much of it is kept, per step."),
      decoupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] { ["exp_avg"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let step = CKernels_LionStep(
      gradient_scale: point.scale,
      keep: Float(1 - point.learningRate * point.weightDecay),
      blend_keep: Float(betas[0]), blend_rate: Float(1 - betas[0]),
      mean_keep: Float(betas[1]), mean_rate: Float(1 - betas[1]),
      learning_rate: Float(point.learningRate))
    CKernels_lion(run.parameters, run.gradient, run.state(0), run.count, step)
  }
}
