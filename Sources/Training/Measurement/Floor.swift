import LockstepCommunication
import LockstepParallelism
import LockstepTensors

/// The speed of plain matrix products of a model's shapes, of all ranks together: what a training
/// step would have if it consisted of nothing else.
package struct Floor: Sendable {
  /// In 10⁹ floating-point operations a second.
  package let gigaflops: Double

  package init(gigaflops: Double) {
    self.gigaflops = gigaflops
  }

  /// The share of the time `seconds` that the operations would take at this speed.
  package func fraction(operations: Double, seconds: Double) -> Double {
    operations / seconds / 1e9 / gigaflops
  }

  /// Measures on all ranks at the same time, so that they share what they share in a step: the
  /// processor's clock, caches and memory. Collective.
  ///
  /// - Parameters:
  ///   - products: Of one micro-batch; at least one with a weight.
  ///   - threads: This rank's.
  ///   - seconds: How long, about. Each product is computed at least once: GPT-2's 124 million
  ///     parameters take 0.3 s on one thread at 100 GFLOP/s.
  package static func measure(
    _ products: ForwardProducts, threads: ThreadPool, communicator: any Communicator,
    seconds: Double
  ) throws -> Floor {
    let speed = ProductSpeed(of: products, on: threads)
    try communicator.barrier()
    speed.measure(seconds: seconds)
    return Floor(
      gigaflops: try communicator.allGather([speed.gigaflops]).reduce(0) { $0 + $1[0] })
  }
}
