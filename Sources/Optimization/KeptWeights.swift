import CLockstepKernels
import LockstepParallelism

/// A copy of the parameters kept beside those that are trained: this rank's part of it.
public final class KeptWeights {
  private let layout: ParameterLayout
  private let map: SliceMap
  private let threads: ThreadPool
  private let buffer: StateBuffer

  public init(layout: ParameterLayout, threads: ThreadPool) {
    self.layout = layout
    self.threads = threads
    map = SliceMap(layout, weightDecay: 0)
    buffer = StateBuffer(count: layout.ownCount, threads: threads)
  }

  /// What a checkpoint stores of it.
  public func state(named name: String) -> OptimizerState {
    layout.state(name, values: buffer.values)
  }

  /// Moves this rank's part towards the parameters: kept += rate · (parameters - kept). A rate of 1
  /// copies.
  ///
  /// - Parameter parameters: The whole flat buffer.
  public func approach(_ parameters: UnsafeMutableBufferPointer<Float>, rate: Double) {
    guard rate > 0, let kept = buffer.values.baseAddress, let source = parameters.baseAddress
    else { return }
    map.forEachRun(on: threads) { run in
      let own = kept + run.range.lowerBound
      if rate == 1 {
        own.update(from: source + run.start, count: run.range.count)
      } else {
        CKernels_approach(own, source + run.start, Float(rate), run.count)
      }
    }
  }

  /// Swaps this rank's part with the parameters'.
  ///
  /// - Parameter parameters: The whole flat buffer.
  public func swap(with parameters: UnsafeMutableBufferPointer<Float>) {
    for (index, element) in layout.ownParts.joined().enumerated() {
      let kept = buffer.values[index]
      buffer.values[index] = parameters[element]
      parameters[element] = kept
    }
  }
}
