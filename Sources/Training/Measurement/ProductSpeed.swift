import LockstepParallelism
import LockstepTensors

/// How fast this rank's threads multiply matrices, with nothing around it.
///
/// Each product with a weight stands for the three of a training step: forward, the gradient of the
/// input and that of the weight. Every thread computes the whole product into memory of its own, so
/// that threads share the processors' caches and memory as they do in a step, but wait for nobody.
/// The fastest of all repetitions counts: a floor is what nothing is faster than.
///
/// Shapes are measured up to 512 rows, 1,024 inner and 4,096 columns. Larger ones are at most 2 %
/// faster (OpenBLAS 0.3.21, GPT-2's shapes), and would take too long.
package final class ProductSpeed {
  /// Which of the three products.
  package enum Pass: String, CaseIterable, Sendable {
    case forward
    case inputGradient = "input_gradient"
    case weightGradient = "weight_gradient"
  }

  /// One product's time.
  package struct Timing {
    /// As the model has it.
    package let shape: ProductShape
    package let pass: Pass
    /// How often a forward pass computes it.
    package let count: Int
    /// As it was measured.
    package let measured: ProductShape
    /// The shortest time in which all threads computed it once each.
    package fileprivate(set) var seconds = Double.infinity

    /// Of all threads together, in 10⁹ operations a second.
    package func gigaflops(threads: Int) -> Double {
      2 * Double(measured.multiplyAdds * threads) / seconds / 1e9
    }
  }

  private static let largest = ProductShape(rows: 512, inner: 1024, columns: 4096)

  package private(set) var timings: [Timing]
  private let threads: ThreadPool
  private let products: Products
  private let left: UnsafeMutablePointer<Float>
  private let right: UnsafeMutablePointer<Float>
  /// One for each thread.
  private let results: [UnsafeMutablePointer<Float>]

  /// Allocates operands for the largest product.
  ///
  /// - Parameters:
  ///   - products: At least one with a weight.
  ///   - threads: Compute at the same time.
  ///   - library: Default: OpenBLAS, whose own threads are turned off.
  package init(
    of products: ForwardProducts, on threads: ThreadPool, by library: ProductLibrary = .openBLAS
  ) {
    precondition(!products.weights.isEmpty, "there is no product to measure")
    self.threads = threads
    self.products = Products(library: library, threads: threads)
    timings = products.weights.flatMap { shape, count in
      let measured = ProductShape(
        rows: min(shape.rows, Self.largest.rows), inner: min(shape.inner, Self.largest.inner),
        columns: min(shape.columns, Self.largest.columns))
      return Pass.allCases.map {
        Timing(shape: shape, pass: $0, count: count, measured: measured)
      }
    }
    // Any of the three matrices of a product may be an operand or the result.
    let capacity = timings.reduce(0) { most, timing in
      let shape = timing.measured
      return max(
        most, shape.rows * shape.inner, shape.inner * shape.columns, shape.rows * shape.columns)
    }
    func matrix() -> UnsafeMutablePointer<Float> {
      let matrix = UnsafeMutablePointer<Float>.allocate(capacity: capacity)
      matrix.initialize(repeating: 0.5, count: capacity)
      return matrix
    }
    left = matrix()
    right = matrix()
    results = (0..<threads.threadCount).map { _ in matrix() }
  }

  deinit {
    for matrix in [left, right] + results { matrix.deallocate() }
  }

  /// Times every product once, and again until so many seconds are over.
  package func measure(seconds: Double) {
    // The first call of OpenBLAS fetches memory.
    _ = time(timings[0])
    let start = ContinuousClock.now
    repeat {
      for index in timings.indices {
        timings[index].seconds = min(timings[index].seconds, time(timings[index]))
      }
    } while start.duration(to: .now) / .seconds(1) < seconds
  }

  /// The speed at which all products of a step together are computed, each as often as it occurs;
  /// of all threads, in 10⁹ operations a second.
  package var gigaflops: Double {
    let operations = timings.reduce(0) { $0 + 2 * Double($1.count * $1.shape.multiplyAdds) }
    let seconds = timings.reduce(0) { sum, timing in
      let scale = Double(timing.shape.multiplyAdds) / Double(timing.measured.multiplyAdds)
      return sum + Double(timing.count) * scale * timing.seconds
    }
    return operations * Double(threads.threadCount) / seconds / 1e9
  }

  private func time(_ timing: Timing) -> Double {
    let start = ContinuousClock.now
    threads.run(tasks: threads.threadCount) { multiply(timing, into: results[$0]) }
    return start.duration(to: .now) / .seconds(1)
  }

  /// With X [rows, inner] and W [inner, columns]: X W, Y Wᵀ or Xᵀ Y.
  private func multiply(_ timing: Timing, into result: UnsafeMutablePointer<Float>) {
    let shape = timing.measured
    let (rows, inner, columns) = (shape.rows, shape.inner, shape.columns)
    switch timing.pass {
    case .forward:
      products.multiplyHere(
        Matrix(left, stride: inner), Matrix(right, stride: columns),
        into: Matrix(result, stride: columns), rows: rows, columns: columns, inner: inner)
    case .inputGradient:
      products.multiplyHere(
        Matrix(left, stride: columns), Matrix(right, stride: columns).transposed,
        into: Matrix(result, stride: inner), rows: rows, columns: inner, inner: columns)
    case .weightGradient:
      products.multiplyHere(
        Matrix(left, stride: inner).transposed, Matrix(right, stride: columns),
        into: Matrix(result, stride: columns), rows: inner, columns: columns, inner: rows)
    }
  }
}
