import CLockstepKernels
import LockstepSettings

/// Steps that shrink with all gradients seen so far.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     s = s + g²
///     p = p - rate / (1 + (t - 1) · rate_decay) · g / (√s + ε)
///
/// J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
/// Optimization", 2011, with diagonal matrices, as `torch.optim.Adagrad`. Checkpoints call s `sum`.
public struct Adagrad: ElementwiseMethod, Configurable {
  public var rateDecay = 0.0
  /// s at first.
  public var initialSum = 0.0
  public var epsilon = 1e-10
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "rate_decay", \.rateDecay, .atLeast(0),
        meaning: "The rate is divided by 1 + (step - 1) · this, beside what the schedule does."),
      Field(
        "initial_sum", \.initialSum, .atLeast(0),
        meaning: "What the sum of squares begins with."),
      Field(
        "epsilon", \.epsilon, .above(0),
        meaning: "Added to the root of the sum, so that nothing is divided by zero."),
      coupledDecay(\.weightDecay),
    ]
  }

  public var stateNames: [String] { ["sum"] }
  public var initialState: Float { Float(initialSum) }

  public func update(_ run: ElementRun, at point: UpdatePoint) {
    let rate = point.learningRate / (1 + Double(point.step - 1) * rateDecay)
    let step = CKernels_SquaresStep(
      gradient_scale: point.scale, decay: Float(point.weightDecay), learning_rate: Float(rate),
      epsilon: Float(epsilon), squares_keep: 1, squares_rate: 1, momentum: 0)
    CKernels_adagrad(run.parameters, run.gradient, run.state(0), run.count, step)
  }
}
