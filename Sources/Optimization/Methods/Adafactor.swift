import CLockstepKernels
import LockstepSettings

/// Adam without momentum, whose mean squares of a matrix are kept as a column and a row.
///
///     g = scale · gradient,   β = 1 - t^decay_exponent
///     r = β r + (1 - β) mean over columns of g²
///     c = β c + (1 - β) mean over rows of g²
///     u = g / √max(r cᵀ / max(mean of r, ε₁), ε₁²)
///     α = min(rate, 1 / √t) · max(ε₂, root mean square of p)
///     p = p - rate · decay · p                                          (matrices only)
///     p = p - α / max(1, root mean square of u / d) · u
///
/// For a vector g² itself takes the place of r cᵀ / mean of r. N. Shazeer, M. Stern, "Adafactor:
/// Adaptive Learning Rates with Sublinear Memory Cost", 2018, Algorithms 4 and 5, as
/// `torch.optim.Adafactor`. A tensor of more than two dimensions is the matrix of its first extent
/// and all others. Checkpoints call r `row_var`, c `col_var`, and a vector's mean squares
/// `variance`.
public struct Adafactor: TensorMethod, Configurable {
  public var decayExponent = -0.8
  /// ε₁: 2⁻²³, as PyTorch's. What the paper and `transformers` call ε₁ is about the square of it.
  public var epsilon = 0x1p-23
  /// ε₂
  public var smallestScale = 1e-3
  /// d
  public var clipThreshold = 1.0
  public var weightDecay = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "decay_exponent", \.decayExponent, .within(-1...0),
        meaning: "The mean square takes in step^this of a step's square."),
      Field(
        "epsilon", \.epsilon, .above(0),
        meaning:
          "Smallest root of a mean square that is divided by. ε₁ of the paper and of `transformers` is "
          + "the mean square itself: for their `1e-30` write `1e-15`."),
      Field(
        "smallest_scale", \.smallestScale, .above(0),
        meaning: "Steps are relative to the weights' root mean square, but at least to this."),
      Field(
        "clip_threshold", \.clipThreshold, .above(0),
        meaning: "Largest root mean square of a tensor's update, before the rate."),
      decoupledDecay(\.weightDecay),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      Float(epsilon * epsilon) > 0, "epsilon",
      "at least 3e-23, because the square of a smaller number is 0 in single precision and weights without a "
        + "gradient would be divided by it; for 1e-30 of the paper and of transformers, which is the square, "
        + "write 1e-15")
  }

  public func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])] {
    guard let (rows, columns) = tensor.matrix else { return [("variance", tensor.shape)] }
    return [("row_var", [rows, 1]), ("col_var", [1, columns])]
  }

  public func scratchCount(for tensor: OptimizedTensor) -> Int {
    tensor.matrix == nil ? tensor.range.count : 0
  }

  public func update(_ update: TensorUpdate) {
    let intake = Float(CKernels_power(Double(update.step), decayExponent))
    if let (rows, columns) = update.tensor.matrix {
      takeIn(update, rows: rows, columns: columns, intake: intake)
    } else {
      takeIn(update, intake: intake)
    }
    let elements = Double(update.count).squareRoot()
    let rate = update.learningRate
    let scale = max(smallestScale, update.norm(update.parameters) / elements)
    let alpha = scale * min(rate, 1 / Double(update.step).squareRoot())
    let size = update.norm(update.gradient) / (elements * clipThreshold)
    update.finish(keep: 1 - rate * update.weightDecay, rate: alpha / max(1, size))
  }

  /// Moves the mean squares of a matrix and divides its gradient by their root.
  private func takeIn(_ update: TensorUpdate, rows: Int, columns: Int, intake: Float) {
    let (gradient, rowMeans, columnMeans) = (update.gradient, update.states[0], update.states[1])
    update.threads.run(over: rows, grain: max(1, SliceMap.grain / columns)) { range in
      for row in range {
        let square = CKernels_sumSquares(gradient + row * columns, Int64(columns))
        rowMeans[row] += intake * (Float(square / Double(columns)) - rowMeans[row])
      }
    }
    update.threads.run(over: columns, grain: max(1, SliceMap.grain / rows)) { range in
      var squares = [Double](repeating: 0, count: range.count)
      CKernels_columnSquares(
        gradient + range.lowerBound, &squares, Int64(rows), Int64(range.count), Int64(columns))
      for (column, square) in zip(range, squares) {
        columnMeans[column] += intake * (Float(square / Double(rows)) - columnMeans[column])
      }
    }
    let total = (0..<rows).reduce(0.0) { $0 + Double(rowMeans[$1]) }
    let mean = max(total / Double(rows), epsilon)
    let factors = (0..<rows).map { Float(Double(rowMeans[$0]) / mean) }
    factors.withUnsafeBufferPointer { factors in
      guard let factors = factors.baseAddress else { return }
      update.threads.run(over: rows, grain: max(1, SliceMap.grain / columns)) { range in
        CKernels_divideByFactoredRoot(
          gradient + range.lowerBound * columns, factors + range.lowerBound, columnMeans,
          Int64(range.count), Int64(columns), Float(epsilon * epsilon))
      }
    }
  }

  /// Moves the mean squares of a vector and divides its gradient by their root.
  private func takeIn(_ update: TensorUpdate, intake: Float) {
    let (gradient, squares, variance) = (update.gradient, update.scratch, update.states[0])
    var one: Float = 1
    update.elementwise { start, count in
      CKernels_multiply(gradient + start, gradient + start, squares + start, count, 0)
      CKernels_approach(variance + start, squares + start, intake, count)
    }
    CKernels_divideByFactoredRoot(
      gradient, &one, variance, 1, Int64(update.count), Float(epsilon * epsilon))
  }
}
