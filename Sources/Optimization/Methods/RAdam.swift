import CLockstepKernels
import LockstepSettings

/// Adam that begins as momentum, until the mean square is known well enough to divide by.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     m = β₁ m + (1 - β₁) g
///     v = β₂ v + (1 - β₂) g²
///     ρ∞ = 2 / (1 - β₂) - 1,   ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
///     r = √((ρₜ - 4) (ρₜ - 2) ρ∞ / ((ρ∞ - 4) (ρ∞ - 2) ρₜ))
///     p = p - rate · m / (1 - β₁ᵗ) · r √(1 - β₂ᵗ) / (√v + ε)            where ρₜ > 5
///     p = p - rate · m / (1 - β₁ᵗ)                                      elsewhere
///
/// L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020, Algorithm 2, as
/// `torch.optim.RAdam`. Checkpoints call m `exp_avg` and v `exp_avg_sq`.
public struct RAdam: ElementwiseMethod, Configurable {
  public var betas = [0.9, 0.999]
  public var epsilon = 1e-8
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [betas(\.betas), epsilon(\.epsilon), coupledDecay(\.weightDecay)]
  }

  public var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let beta1 = betas[0].raised(to: point.step)
    let rectification = rectification(step: point.step)
    var step = CKernels_AdamStep(point, betas: betas, epsilon: epsilon)
    step.decay = Float(point.weightDecay)
    step.step_size = Float(point.learningRate / (1 - beta1) * (rectification ?? 1))
    CKernels_radam(
      run.parameters, run.gradient, run.state(0), run.state(1), run.count, step,
      rectification == nil ? 0 : 1)
  }

  /// r √(1 - β₂ᵗ); nil where the mean square is not to be used yet.
  private func rectification(step: Int) -> Double? {
    let beta2 = betas[1].raised(to: step)
    let longest = 2 / (1 - betas[1]) - 1
    let length = longest - 2 * Double(step) * beta2 / (1 - beta2)
    guard length > 5 else { return nil }
    let above = (length - 4) * (length - 2) * longest
    let below = (longest - 4) * (longest - 2) * length
    return (above / below).squareRoot() * (1 - beta2).squareRoot()
  }
}
