import CLockstepKernels
import LockstepSettings
import LockstepTensors

/// Momentum whose matrices are made orthogonal before each step.
///
///     g = scale · gradient
///     b = momentum · b + (1 - momentum) g
///     d = (1 - momentum) g + momentum · b for Nesterov, otherwise b
///     X = d / ‖d‖, then several times  A = X Xᵀ,  X = 3.4445 X + (-4.775 A + 2.0315 A²) X
///     p = p - rate · decay · p
///     p = p - rate · factor · X
///
/// The factor is √max(1, rows / columns), or 0.2 √max(rows, columns), at which steps are as large as
/// AdamW's and take its rates and decay (J. Liu et al., "Muon is Scalable for LLM Training", 2025).
/// K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, as
/// `torch.optim.Muon`, in 32 bits where that computes X in bfloat16. Vectors, and matrices whose names
/// match `adamw_parameters`, take AdamW's step; a tensor of more than two dimensions is the matrix of
/// its first extent and all others. Checkpoints call b `momentum_buffer`.
public struct Muon: TensorMethod, Configurable {
  /// How large a step is.
  public enum StepSize: String, SettingChoice {
    case original
    case adamw

    public var documentation: String {
      switch self {
      case .original: "√max(1, rows / columns) times the rate."
      case .adamw: "0.2 √max(rows, columns) times the rate: as large as AdamW's."
      }
    }
  }

  public var momentum = 0.95
  public var nesterov = true
  /// How often X is improved.
  public var iterations = 5
  public var stepSize = StepSize.adamw
  public var adamWParameters = ["*wte*", "*wpe*", "*embed*", "*head*"]
  /// AdamW's, for what is not orthogonalised.
  public var betas = [0.9, 0.95]
  public var epsilon = 1e-8
  public var weightDecay = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "momentum", \.momentum, .within(0..<1),
        meaning: "How much of the running mean of gradients is kept, per step."),
      Field(
        "nesterov", \.nesterov,
        meaning: "Whether the step's own gradient is mixed into the mean once more."),
      Field(
        "iterations", \.iterations, .within(1...99),
        meaning: "Newton-Schulz iterations that make a matrix orthogonal."),
      Field(
        "step_size", \.stepSize,
        meaning:
          "How large the orthogonal step is. Rows and columns are those of the matrix as stored: "
          + "outputs and inputs, but in `gpt`, whose linear layers are stored [inputs, outputs], "
          + "the other way round."),
      Field(
        "adamw_parameters", \.adamWParameters,
        meaning:
          "Patterns of names (`*` any characters, `?` one) of matrices that take AdamW's step, as all "
          + "vectors do: embeddings and heads."),
      betas(\.betas), epsilon(\.epsilon), decoupledDecay(\.weightDecay),
    ]
  }

  /// The tensor as a matrix that is orthogonalised; nil where AdamW's step is taken.
  private func matrix(_ tensor: OptimizedTensor) -> (rows: Int, columns: Int)? {
    adamWParameters.contains { NamePattern($0).matches(tensor.name) } ? nil : tensor.matrix
  }

  public func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])] {
    matrix(tensor) == nil
      ? [("exp_avg", tensor.shape), ("exp_avg_sq", tensor.shape)]
      : [("momentum_buffer", tensor.shape)]
  }

  public func cost(of tensor: OptimizedTensor) -> Int {
    guard let (rows, columns) = matrix(tensor) else { return tensor.range.count }
    return tensor.range.count * (1 + iterations * min(rows, columns) / 16)
  }

  public func scratchCount(for tensor: OptimizedTensor) -> Int {
    guard let (rows, columns) = matrix(tensor) else { return 0 }
    let side = min(rows, columns)
    return rows * columns + 2 * side * side
  }

  public func update(_ update: TensorUpdate) {
    guard let (rows, columns) = matrix(update.tensor) else {
      return update.adamW(betas: betas, epsilon: epsilon)
    }
    let (gradient, mean) = (update.gradient, update.states[0])
    update.elementwise { start, count in
      CKernels_approach(mean + start, gradient + start, Float(1 - momentum), count)
      // g + momentum · (b - g), or b.
      CKernels_approach(
        gradient + start, mean + start, nesterov ? Float(momentum) : 1, count)
    }
    orthogonalize(update, rows: rows, columns: columns)
    let factor =
      switch stepSize {
      case .original: max(1, Double(rows) / Double(columns)).squareRoot()
      case .adamw: 0.2 * Double(max(rows, columns)).squareRoot()
      }
    update.finish(
      keep: 1 - update.learningRate * update.weightDecay, rate: update.learningRate * factor)
  }

  /// Replaces the matrix in the gradient's place by one near to it whose singular values are near 1.
  private func orthogonalize(_ update: TensorUpdate, rows: Int, columns: Int) {
    let count = rows * columns
    let side = min(rows, columns)
    let length = max(update.norm(update.gradient), 1e-7)
    update.elementwise { start, count in
      CKernels_scale(
        update.gradient + start, Float(1 / length), update.gradient + start, count)
    }
    var (x, next) = (update.gradient, update.scratch)
    let gram = Matrix(update.scratch + count, stride: side)
    let factor = Matrix(update.scratch + count + side * side, stride: side)
    for _ in 0..<iterations {
      let (from, to) = (Matrix(x, stride: columns), Matrix(next, stride: columns))
      // The shorter side's products: X Xᵀ on the left, or Xᵀ X on the right.
      let isWide = rows <= columns
      update.products.multiply(
        isWide ? from : from.transposed, isWide ? from.transposed : from, into: gram, rows: side,
        columns: side, inner: max(rows, columns))
      update.products.multiply(
        gram, gram, into: factor, rows: side, columns: side, inner: side)
      CKernels_moveAlong(gram.pointer, factor.pointer, -4.775, -2.0315, Int64(side * side))
      update.products.multiply(
        isWide ? factor : from, isWide ? from : factor, into: to, rows: rows, columns: columns,
        inner: side)
      update.elementwise { [x, next] start, count in
        CKernels_moveAlong(x + start, next + start, 3.4445, -1, count)
      }
      swap(&x, &next)
    }
    if x != update.gradient { update.gradient.update(from: x, count: count) }
  }
}

extension TensorUpdate {
  /// AdamW's step, with `exp_avg` and `exp_avg_sq` as states 0 and 1.
  func adamW(betas: [Double], epsilon: Double) {
    adamDirection(betas: betas, epsilon: epsilon)
    finish(keep: 1 - learningRate * weightDecay, rate: learningRate)
  }

  /// Puts Adam's direction in the gradient's place, and moves its means, states 0 and 1.
  func adamDirection(betas: [Double], epsilon: Double) {
    let adam = CKernels_AdamStep(
      scale: 1, step: step, learningRate: 1, betas: betas, epsilon: epsilon)
    elementwise { start, count in
      CKernels_adamDirection(
        parameters + start, gradient + start, states[0] + start, states[1] + start, count, adam)
    }
  }
}
