import LockstepParallelism
import LockstepSettings

/// An update rule, which makes the optimiser of a rank. Those of the `optimizer` section are
/// `Configurable`, too; one of your own, for `Trainer(task:plan:optimizer:)`, need not be.
///
/// Conform to `ElementwiseMethod` or `TensorMethod`, which do the rest, or make an `Optimizer` yourself.
public protocol OptimizerMethod: Sendable {
  /// Floats that are remembered of a tensor, over all ranks. Default: 0, for it is not known.
  func stateElementCount(of tensor: OptimizedTensor) -> Double

  /// - Parameters:
  ///   - layout: The tensors, and this rank's slice.
  ///   - peers: The other ranks.
  ///   - threads: Share the work.
  func optimizer(
    for layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) -> any Optimizer
}

extension OptimizerMethod {
  public func stateElementCount(of tensor: OptimizedTensor) -> Double { 0 }
}

/// What an update has in common for all elements that are updated alike.
public struct UpdatePoint {
  /// Factor on every gradient element: what clips it, over the number of targets.
  public let scale: Float
  /// The optimiser step, from 1.
  public let step: Int
  /// The schedule's, times the group's factor.
  public let learningRate: Double
  /// The method's or the group's; 0 for what does not decay.
  public let weightDecay: Double
  /// The product of `ElementwiseMethod.factor` over all steps up to this one.
  public internal(set) var factorProduct = 1.0
}

extension OptimizerMethod where Self: Configurable {
  /// What all methods say of `weight_decay` where it is part of the gradient.
  static func coupledDecay(_ path: WritableKeyPath<Self, Double>) -> Field<Self> {
    Field(
      "weight_decay", path, .atLeast(0),
      meaning: "Times the weight, added to its gradient (L2); matrices only.")
  }

  /// What all methods say of `weight_decay` where it is not.
  static func decoupledDecay(_ path: WritableKeyPath<Self, Double>) -> Field<Self> {
    Field(
      "weight_decay", path, .atLeast(0),
      meaning:
        "Share of each weight, times the learning rate, taken away at each step; matrices only.")
  }

  static func betas(_ path: WritableKeyPath<Self, [Double]>) -> Field<Self> {
    Field(
      "betas", path, .count(2, each: .within(0..<1)),
      meaning:
        "How much of the running means of the gradient and of its square is kept, per step.")
  }

  static func epsilon(_ path: WritableKeyPath<Self, Double>) -> Field<Self> {
    Field(
      "epsilon", path, .above(0),
      meaning: "Added to the root of the mean square, so that nothing is divided by zero.")
  }
}
