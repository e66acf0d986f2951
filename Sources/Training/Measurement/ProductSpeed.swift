import CLockstepKernels
import CLockstepOpenBLAS
import LockstepNeuralNetworks
import LockstepParallelism

/// Who multiplies matrices.
package enum ProductLibrary: Sendable {
  /// `cblas_sgemm`: what a floor is measured with, for it is the same for everybody.
  case openBLAS
  /// Lockstep's own products, which models use.
  case lockstep

  /// The name of the kernels that OpenBLAS picked for this processor, such as "Zen" or "SkylakeX".
  package static var openBLASKernels: String {
    openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }
}

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
  private let library: ProductLibrary
  private let left: UnsafeMutableBufferPointer<Float>
  private let right: UnsafeMutableBufferPointer<Float>
  /// One for each thread.
  private let results: [UnsafeMutableBufferPointer<Float>]

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
    openblas_set_num_threads(1)
    self.threads = threads
    self.library = library
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
    func matrix() -> UnsafeMutableBufferPointer<Float> {
      let matrix = UnsafeMutableBufferPointer<Float>.allocate(capacity: capacity)
      matrix.initialize(repeating: 0.5)
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
  private func multiply(_ timing: Timing, into result: UnsafeMutableBufferPointer<Float>) {
    let shape = timing.measured
    let (rows, inner, columns) = (shape.rows, shape.inner, shape.columns)
    switch timing.pass {
    case .forward:
      multiply(
        Factor(left, stride: inner), Factor(right, stride: columns), into: result, rows: rows,
        columns: columns, inner: inner)
    case .inputGradient:
      multiply(
        Factor(left, stride: columns), Factor(right, stride: columns, isTransposed: true),
        into: result, rows: rows, columns: inner, inner: columns)
    case .weightGradient:
      multiply(
        Factor(left, stride: inner, isTransposed: true), Factor(right, stride: columns),
        into: result, rows: inner, columns: columns, inner: rows)
    }
  }

  private func multiply(
    _ a: Factor, _ b: Factor, into c: UnsafeMutableBufferPointer<Float>, rows: Int, columns: Int,
    inner: Int
  ) {
    switch library {
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
        b.isTransposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
        blasint(inner), 1, a.elements, blasint(a.stride), b.elements, blasint(b.stride), 0,
        c.baseAddress, blasint(columns))
    case .lockstep:
      CKernels_matrixProduct(
        a.kernelFactor, b.kernelFactor, c.baseAddress, Int64(columns), Int64(rows),
        Int64(columns), Int64(inner), 0, nil)
    }
  }
}

/// A matrix as it lies in memory, perhaps to be read transposed.
private struct Factor {
  let elements: UnsafePointer<Float>?
  let stride: Int
  let isTransposed: Bool

  init(
    _ memory: UnsafeMutableBufferPointer<Float>, stride: Int, isTransposed: Bool = false
  ) {
    elements = memory.baseAddress.map { UnsafePointer($0) }
    self.stride = stride
    self.isTransposed = isTransposed
  }

  var kernelFactor: CKernels_Factor {
    CKernels_Factor(
      elements: elements, stride: Int64(stride), transposed: isTransposed ? 1 : 0)
  }
}
