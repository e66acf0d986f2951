import LockstepParallelism
import LockstepTensors

/// How fast this rank's threads multiply matrices of a model's shapes, with nothing around it.
///
/// Each product with a weight stands for the three of a training step: forward, the gradient of the
/// input (the right factor transposed) and that of the weight (the left one). Threads share each out as
/// they do in a step. Several contestants take turns, each with all products, so that they see the same
/// machine; of each product the fastest repetition counts.
package final class ProductSpeed {
  /// Which of the three products.
  package enum Pass: String, CaseIterable, Sendable {
    case forward
    case inputGradient = "input_gradient"
    case weightGradient = "weight_gradient"
  }

  /// One product's times.
  package struct Timing {
    /// As the model has it.
    package let shape: ProductShape
    package let pass: Pass
    /// How often a forward pass computes it.
    package let count: Int
    /// As it was measured.
    package let measured: ProductShape
    /// The shortest of each contestant.
    package fileprivate(set) var seconds: [Double]

    /// In 10⁹ operations a second.
    package func gigaflops(of contestant: Int) -> Double {
      2 * Double(measured.multiplyAdds) / seconds[contestant] / 1e9
    }
  }

  /// Elements of a matrix of activations, at most: of a larger one fewer rows are measured, as training
  /// never has all logits at once.
  private static let mostElements = 1 << 26

  package private(set) var timings: [Timing]
  private let contestants: [Products]
  /// Of the largest X, Y and W, and of the largest result.
  private let input: UnsafeMutablePointer<Float>
  private let output: UnsafeMutablePointer<Float>
  private let weight: UnsafeMutablePointer<Float>
  private let result: UnsafeMutablePointer<Float>

  /// Allocates operands for the largest product.
  ///
  /// - Parameters:
  ///   - products: At least one with a weight.
  ///   - contestants: At least one.
  package init(of products: ForwardProducts, by contestants: [Products]) {
    precondition(!products.weights.isEmpty, "there is no product to measure")
    self.contestants = contestants
    timings = products.weights.flatMap { shape, count in
      let rows = max(1, Self.mostElements / max(shape.inner, shape.columns))
      let measured = ProductShape(
        rows: min(shape.rows, rows), inner: shape.inner, columns: shape.columns)
      return Pass.allCases.map {
        Timing(
          shape: shape, pass: $0, count: count, measured: measured,
          seconds: contestants.map { _ in .infinity })
      }
    }
    let shapes = timings.map(\.measured)
    func matrix(_ counts: [Int]) -> UnsafeMutablePointer<Float> {
      let count = counts.max() ?? 0
      let matrix = UnsafeMutablePointer<Float>.allocate(capacity: count)
      matrix.initialize(repeating: 0.5, count: count)
      return matrix
    }
    let (inputs, outputs, weights) = (
      shapes.map { $0.rows * $0.inner }, shapes.map { $0.rows * $0.columns },
      shapes.map { $0.inner * $0.columns }
    )
    input = matrix(inputs)
    output = matrix(outputs)
    weight = matrix(weights)
    result = matrix(inputs + outputs + weights)
  }

  deinit {
    for matrix in [input, output, weight, result] { matrix.deallocate() }
  }

  /// Times every product once, and again until so many seconds are over, one contestant after the other: what
  /// one leaves in the caches, and the clock that the processor has after its instructions, are its own.
  ///
  /// - Parameter seconds: Of all contestants together, about.
  package func measure(seconds: Double) {
    for (contestant, products) in contestants.enumerated() {
      // The first call fetches memory.
      multiply(timings[0], by: products)
      let begin = ContinuousClock.now
      repeat {
        for index in timings.indices {
          let start = ContinuousClock.now
          multiply(timings[index], by: products)
          let seconds = start.duration(to: .now) / .seconds(1)
          timings[index].seconds[contestant] = min(timings[index].seconds[contestant], seconds)
        }
      } while begin.duration(to: .now) / .seconds(1) < seconds / Double(contestants.count)
    }
  }

  /// The speed at which all products of a step together are computed, each as often as it occurs, in
  /// 10⁹ operations a second.
  package func gigaflops(of contestant: Int) -> Double {
    let operations = timings.reduce(0) { $0 + 2 * Double($1.count * $1.shape.multiplyAdds) }
    let seconds = timings.reduce(0) { sum, timing in
      let scale = Double(timing.shape.multiplyAdds) / Double(timing.measured.multiplyAdds)
      return sum + Double(timing.count) * scale * timing.seconds[contestant]
    }
    return operations / seconds / 1e9
  }

  /// With X [rows, inner] and W [inner, columns]: X W, Y Wᵀ or Xᵀ Y.
  private func multiply(_ timing: Timing, by products: Products) {
    let shape = timing.measured
    let (rows, inner, columns) = (shape.rows, shape.inner, shape.columns)
    let (x, y, w) = (
      Matrix(input, stride: inner), Matrix(output, stride: columns), Matrix(weight, stride: columns)
    )
    switch timing.pass {
    case .forward:
      products.multiply(
        x, w, into: Matrix(result, stride: columns), rows: rows, columns: columns, inner: inner)
    case .inputGradient:
      products.multiply(
        y, w.transposed, into: Matrix(result, stride: inner), rows: rows, columns: inner,
        inner: columns)
    case .weightGradient:
      products.multiply(
        x.transposed, y, into: Matrix(result, stride: columns), rows: inner, columns: columns,
        inner: rows)
    }
  }
}
