import CLockstepKernels
import LockstepParallelism

/// What is done to a rank's part of the gradient between the reduction and the optimiser, beside the norm's
/// clipping, which is a factor:
///
///     g = scale · gradient
///     g = clamp(g, ± value)
///     g = g · min(1, λ · max(‖weights‖, 10⁻³) / ‖g‖)       for each row of a matrix, and each vector
///     g = g + l1 · sign(p)                                 (matrices only)
///
/// The third line is adaptive clipping: A. Brock et al., "High-Performance Large-Scale Image
/// Recognition Without Normalization", 2021, equation 3, where a row of a matrix as stored, or of
/// the matrix of a tensor's first extent and all others, is a unit.
package final class GradientTreatment {
  private let layout: ParameterLayout
  private let clipping: ClippingConfiguration
  private let l1: Double
  private let map: SliceMap
  private let units: AdaptiveClipping?
  private let threads: ThreadPool

  /// - Returns: Nil where there is nothing to do.
  package init?(
    _ configuration: OptimizerConfiguration, layout: ParameterLayout, peers: any OptimizerPeers,
    threads: ThreadPool
  ) {
    let clipping = configuration.clipping
    guard clipping.value > 0 || clipping.adaptive > 0 || configuration.l1 > 0 else { return nil }
    self.layout = layout
    self.clipping = clipping
    self.threads = threads
    l1 = configuration.l1
    // Where weights decay by 1, the penalty applies.
    map = SliceMap(layout.forgettingGroups, weightDecay: 1)
    units =
      clipping.adaptive > 0
      ? AdaptiveClipping(
        share: clipping.adaptive, layout: layout, peers: peers, threads: threads) : nil
  }

  /// Changes this rank's parts of the gradient in place. Collective.
  ///
  /// - Parameters:
  ///   - gradient: As large as the flat buffer.
  ///   - parameters: The whole flat buffer.
  ///   - scale: Factor on every element.
  package func apply(
    to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeMutableBufferPointer<Float>, scale: Float
  ) throws {
    let bound = clipping.value > 0 ? Float(clipping.value) : .infinity
    // The penalty comes last, after rows are clipped.
    let isPenaltyLate = units != nil
    run(gradient, parameters) { decays in
      CKernels_Regularization(
        gradient_scale: scale, largest_value: bound,
        magnitude_penalty: decays && !isPenaltyLate ? Float(l1) : 0)
    }
    guard let units else { return }
    try units.apply(to: gradient, parameters: parameters)
    guard l1 > 0 else { return }
    run(gradient, parameters) { decays in
      CKernels_Regularization(
        gradient_scale: 1, largest_value: .infinity, magnitude_penalty: decays ? Float(l1) : 0)
    }
  }

  private func run(
    _ gradient: UnsafeMutableBufferPointer<Float>,
    _ parameters: UnsafeMutableBufferPointer<Float>,
    _ step: (_ decays: Bool) -> CKernels_Regularization
  ) {
    guard let gradient = gradient.baseAddress, let parameters = parameters.baseAddress else {
      return
    }
    map.forEachRun(on: threads) { run in
      CKernels_regularizeGradient(
        gradient + run.start, parameters + run.start, run.count,
        step(run.segment.weightDecay > 0))
    }
  }
}

extension ParameterLayout {
  /// The layout without what groups say: which tensors decay by themselves.
  fileprivate var forgettingGroups: ParameterLayout {
    ParameterLayout(
      tensors: tensors.map {
        OptimizedTensor(name: $0.name, shape: $0.shape, range: $0.range, decays: $0.decays)
      },
      elementCount: elementCount, parts: parts, rank: rank)
  }
}
