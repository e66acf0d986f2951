import CKernels
import Parallelism

/// Stochastic gradient descent, with momentum if wanted.
///
///     g = scale · gradient + decay · p                                  (decay on matrices only)
///     v = momentum · v + g
///     p = p - rate · v
///
/// As `torch.optim.SGD` without dampening: decay is added to the gradient (L2), and the velocity
/// is not scaled by 1 - momentum. B. Polyak, "Some methods of speeding up the convergence of
/// iteration methods", 1964. Checkpoints call v `momentum_buffer`; without momentum there is none.
public final class SGD: Optimizer {
  public let slice: Range<Int>
  /// Factor on the velocity, in 0 ..< 1. Default: 0.
  public let momentum: Double
  /// Factor on the parameters added to the gradient, at least 0. Default: 0.
  public let weightDecay: Double

  private let decayMap: DecayMap
  private let pool: ThreadPool?
  private let velocity: StateBuffer?

  public var states: [OptimizerState] {
    velocity.map { [OptimizerState(name: "momentum_buffer", values: $0.values)] } ?? []
  }

  /// - Parameters:
  ///   - slice: This rank's elements, in coordinates of the flat parameter buffer.
  ///   - decayRanges: Elements that decay, in the same coordinates, ascending and disjoint; usually
  ///     the matrices.
  ///   - pool: Threads that share an update; nil works on the caller's.
  public init(
    slice: Range<Int>, decayRanges: [Range<Int>] = [], momentum: Double = 0,
    weightDecay: Double = 0, pool: ThreadPool? = nil
  ) {
    precondition((0..<1).contains(momentum), "momentum lies in 0 ..< 1, not \(momentum)")
    precondition(weightDecay >= 0, "decay is not negative, as \(weightDecay) is")
    self.slice = slice
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.pool = pool
    decayMap = DecayMap(slice: slice, decayRanges: decayRanges)
    velocity = momentum > 0 ? StateBuffer(count: slice.count) : nil
  }

  public func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double
  ) {
    check(parameters, gradient, step: step)
    guard let parameters = parameters.baseAddress, let gradient = gradient.baseAddress else {
      return
    }
    let velocity = velocity?.values.baseAddress
    decayMap.forEachRun(on: pool) { run, decays in
      let kernelStep = CKernels_SGDStep(
        gradient_scale: scale, decay: decays ? Float(weightDecay) : 0, momentum: Float(momentum),
        learning_rate: Float(learningRate))
      let start = run.lowerBound
      if let velocity {
        CKernels_sgdWithMomentum(
          parameters + start, gradient + start, velocity + start, Int64(run.count), kernelStep)
      } else {
        CKernels_sgd(parameters + start, gradient + start, Int64(run.count), kernelStep)
      }
    }
  }
}
