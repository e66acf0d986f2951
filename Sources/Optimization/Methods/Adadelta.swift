import CLockstepKernels
import LockstepSettings

/// Steps in the units of the parameters: the gradient times the ratio of recent steps to recent
/// gradients.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     s = ρ s + (1 - ρ) g²
///     Δ = √(d + ε) / √(s + ε) · g
///     d = ρ d + (1 - ρ) Δ²
///     p = p - rate · Δ
///
/// M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, Algorithm 1, which has no rate
/// (1), as `torch.optim.Adadelta`. Checkpoints call s `square_avg` and d `acc_delta`.
public struct Adadelta: ElementwiseMethod, Configurable {
  /// ρ
  public var smoothing = 0.9
  public var epsilon = 1e-6
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "smoothing", \.smoothing, .within(0..<1),
        meaning: "How much of the running means of squares is kept, per step."),
      Field(
        "epsilon", \.epsilon, .above(0),
        meaning: "Added to both mean squares; the first steps are of its root's size."),
      coupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] { ["square_avg", "acc_delta"] }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let step = CKernels_SquaresStep(
      gradient_scale: point.scale, decay: Float(point.weightDecay),
      learning_rate: Float(point.learningRate), epsilon: Float(epsilon),
      squares_keep: Float(smoothing), squares_rate: Float(1 - smoothing), momentum: 0)
    CKernels_adadelta(run.parameters, run.gradient, run.state(0), run.state(1), run.count, step)
  }
}
