import CLockstepKernels
import LockstepSettings

/// Adam's direction, in steps proportional to the norm of each tensor, for large batches.
///
///     g = scale · gradient
///     m = β₁ m + (1 - β₁) g,   v = β₂ v + (1 - β₂) g²
///     u = (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε) + decay · p          (decay on matrices only)
///     p = p - rate · ‖p‖ / ‖u‖ · u                                      (1 where a norm is 0)
///
/// Y. You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2020,
/// Algorithm 2, with a layer for each tensor. Checkpoints call m `exp_avg` and v `exp_avg_sq`.
public struct LAMB: TensorMethod, Configurable {
  public var betas = [0.9, 0.999]
  public var epsilon = 1e-6
  public var weightDecay = 0.01

  public init() {}

  public static var fields: [Field<Self>] {
    [
      betas(\.betas), epsilon(\.epsilon),
      Field(
        "weight_decay", \.weightDecay, .atLeast(0),
        meaning: "Times the weight, added to its update's direction; matrices only."),
    ]
  }

  public func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])] {
    [("exp_avg", tensor.shape), ("exp_avg_sq", tensor.shape)]
  }

  public func update(_ update: TensorUpdate) {
    var step = CKernels_AdamStep(
      scale: 1, step: update.step, learningRate: 1, betas: betas, epsilon: epsilon)
    step.decay = Float(update.weightDecay)
    update.elementwise { start, count in
      CKernels_adamDirection(
        update.parameters + start, update.gradient + start, update.states[0] + start,
        update.states[1] + start, count, step)
    }
    let (size, length) = (update.norm(update.parameters), update.norm(update.gradient))
    let ratio = size > 0 && length > 0 ? size / length : 1
    update.finish(rate: update.learningRate * ratio)
  }
}
