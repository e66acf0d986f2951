import CKernels
import Parallelism

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
public final class AdamW: Optimizer {
  /// What shapes an update, besides the learning rate.
  public struct Hyperparameters: Equatable, Sendable {
    /// β₁, in 0 ..< 1. Default: 0.9.
    public var beta1 = 0.9
    /// β₂, in 0 ..< 1. Default: 0.95.
    public var beta2 = 0.95
    /// ε, above 0. Default: 1e-8.
    public var epsilon = 1e-8
    /// Decay as a fraction of the learning rate, at least 0. Default: 0.1.
    public var weightDecay = 0.1

    public init(
      beta1: Double = 0.9, beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.1
    ) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  public let slice: Range<Int>
  public let hyperparameters: Hyperparameters

  private let decayMap: DecayMap
  private let pool: ThreadPool?
  private let mean: StateBuffer
  private let variance: StateBuffer

  public var states: [OptimizerState] {
    [
      OptimizerState(name: "exp_avg", values: mean.values),
      OptimizerState(name: "exp_avg_sq", values: variance.values),
    ]
  }

  /// - Parameters:
  ///   - slice: This rank's elements, in coordinates of the flat parameter buffer.
  ///   - decayRanges: Elements that decay, in the same coordinates, ascending and disjoint; usually
  ///     the matrices.
  ///   - pool: Threads that share an update; nil works on the caller's.
  public init(
    slice: Range<Int>, decayRanges: [Range<Int>] = [],
    hyperparameters: Hyperparameters = Hyperparameters(), pool: ThreadPool? = nil
  ) {
    precondition(
      (0..<1).contains(hyperparameters.beta1) && (0..<1).contains(hyperparameters.beta2),
      "betas lie in 0 ..< 1, not \(hyperparameters.beta1), \(hyperparameters.beta2)")
    precondition(
      hyperparameters.epsilon > 0 && hyperparameters.weightDecay >= 0,
      "epsilon is above 0 and decay is not negative")
    self.slice = slice
    self.hyperparameters = hyperparameters
    self.pool = pool
    decayMap = DecayMap(slice: slice, decayRanges: decayRanges)
    mean = StateBuffer(count: slice.count)
    variance = StateBuffer(count: slice.count)
  }

  public func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double
  ) {
    check(parameters, gradient, step: step)
    guard let parameters = parameters.baseAddress, let gradient = gradient.baseAddress,
      let mean = mean.values.baseAddress, let variance = variance.values.baseAddress
    else { return }
    let kernelStep = kernelStep(scale: scale, step: step, learningRate: learningRate)
    let keep = Float(1 - learningRate * hyperparameters.weightDecay)
    decayMap.forEachRun(on: pool) { run, decays in
      var kernelStep = kernelStep
      kernelStep.keep = decays ? keep : 1
      let start = run.lowerBound
      CKernels_adamW(
        parameters + start, gradient + start, mean + start, variance + start, Int64(run.count),
        kernelStep)
    }
  }

  /// The kernel's coefficients but for decay, each computed in Double and rounded once.
  private func kernelStep(scale: Float, step: Int, learningRate: Double) -> CKernels_AdamWStep {
    let (beta1, beta2) = (hyperparameters.beta1, hyperparameters.beta2)
    return CKernels_AdamWStep(
      gradient_scale: scale,
      keep: 1,
      mean_rate: Float(1 - beta1),
      variance_keep: Float(beta2),
      variance_rate: Float(1 - beta2),
      step_size: Float(learningRate / (1 - beta1.raised(to: step))),
      variance_correction: Float(1 / (1 - beta2.raised(to: step)).squareRoot()),
      epsilon: Float(hyperparameters.epsilon))
  }
}
