import CLockstepKernels
import LockstepSettings
import LockstepTensors

/// Gradients of matrices, divided by roots of the sums of their products from the left and the right:
/// a second-order method.
///
///     g = scale · gradient
///     L = L + g gᵀ,   R = R + gᵀ g      or running means with factor_decay below 1
///     m = β₁ m + (1 - β₁) g
///     u = L^(-1/4) m R^(-1/4)
///     p = p - rate · decay · p
///     p = p - rate · ‖Adam's direction‖ / ‖u‖ · u                       (grafting: adam)
///     p = p - rate · u                                                  (grafting: none)
///
/// A side longer than `largest_side` is left as it is, and the other's root is -1/2; vectors, and
/// matrices with two such sides, take AdamW's step, and so does a matrix as long as it has no roots: its
/// gradients were zero whenever they were computed. V. Gupta, T. Koren, Y. Singer, "Shampoo:
/// Preconditioned Stochastic Tensor Optimization", 2018, Algorithm 1 (factor_decay 1, β₁ = 0, no
/// grafting); grafting and means as H. Shi et al., "A Distributed Data-Parallel PyTorch
/// Implementation of the Distributed Shampoo Optimizer", 2023. Checkpoints call L `left`, R `right`,
/// their roots `left_root` and `right_root`.
public struct Shampoo: TensorMethod, Configurable {
  /// Where a step's length comes from.
  public enum Grafting: String, SettingChoice {
    case adam
    case none

    public var documentation: String {
      switch self {
      case .adam: "Adam's direction: steps are as long as Adam's would be."
      case .none: "The method itself, as published."
      }
    }
  }

  public var betas = [0.9, 0.99]
  public var epsilon = 1e-8
  public var factorDecay = 0.95
  /// What is added to the diagonals, as a share of the factor's norm.
  public var ridge = 1e-6
  /// Steps from one computation of the roots to the next.
  public var interval = 10
  public var largestSide = 512
  public var grafting = Grafting.adam
  public var weightDecay = 0.1

  public init() {}

  public static var fields: [Field<Self>] {
    [
      betas(\.betas), epsilon(\.epsilon),
      Field(
        "factor_decay", \.factorDecay, .within(0...1),
        meaning:
          "How much of the running means of g gᵀ and gᵀ g is kept, per step; `1` adds them up."),
      Field(
        "ridge", \.ridge, .within(1e-7...1),
        meaning: "Added to their diagonals, as a share of their norm."),
      Field(
        "interval", \.interval, .count(from: 1),
        meaning: "Steps from one computation of their roots to the next."),
      Field(
        "largest_side", \.largestSide, .within(1...16_384),
        meaning: "Longest side of a matrix that has a product; longer ones are left alone."),
      Field("grafting", \.grafting, meaning: "Where the length of a step comes from."),
      decoupledDecay(\.weightDecay),
    ]
  }

  /// How a tensor's sides are treated; nil where AdamW's step is taken.
  private struct Sides {
    let rows: Int
    let columns: Int
    let hasLeft: Bool
    let hasRight: Bool

    /// 4, or 2 where one side is left alone.
    var root: Int { hasLeft && hasRight ? 4 : 2 }
    var longest: Int { max(hasLeft ? rows : 0, hasRight ? columns : 0) }
  }

  private func sides(of tensor: OptimizedTensor) -> Sides? {
    guard let (rows, columns) = tensor.matrix else { return nil }
    let sides = Sides(
      rows: rows, columns: columns, hasLeft: rows <= largestSide, hasRight: columns <= largestSide)
    return sides.longest > 0 ? sides : nil
  }

  public func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])] {
    let means = [("exp_avg", tensor.shape), ("exp_avg_sq", tensor.shape)]
    guard let sides = sides(of: tensor) else { return means }
    func products(_ name: String, _ side: Int) -> [(String, [Int])] {
      [(name, [side, side]), (name + "_root", [side, side])]
    }
    return means + (sides.hasLeft ? products("left", sides.rows) : [])
      + (sides.hasRight ? products("right", sides.columns) : [])
  }

  public func cost(of tensor: OptimizedTensor) -> Int {
    guard let sides = sides(of: tensor) else { return tensor.range.count }
    let side = sides.longest
    return tensor.range.count * (1 + side / 8) + 4 * side * side * side / interval
  }

  public func scratchCount(for tensor: OptimizedTensor) -> Int {
    guard let sides = sides(of: tensor) else { return 0 }
    return max(tensor.range.count, InverseRoot.scratchCount(side: sides.longest))
  }

  public func update(_ update: TensorUpdate) {
    guard let sides = sides(of: update.tensor) else {
      return update.adamW(betas: betas, epsilon: epsilon)
    }
    let left = sides.hasLeft ? (product: update.states[2], root: update.states[3]) : nil
    let first = sides.hasLeft ? 4 : 2
    let right =
      sides.hasRight ? (product: update.states[first], root: update.states[first + 1]) : nil
    let gradient = Matrix(update.gradient, stride: sides.columns)
    if let left {
      takeIn(
        gradient, gradient.transposed, inner: sides.columns, into: left.product,
        side: sides.rows, update)
    }
    if let right {
      takeIn(
        gradient.transposed, gradient, inner: sides.rows, into: right.product,
        side: sides.columns, update)
    }
    if (update.step - 1).isMultiple(of: interval) {
      if let left { findRoot(of: left.product, into: left.root, side: sides.rows, sides, update) }
      if let right {
        findRoot(of: right.product, into: right.root, side: sides.columns, sides, update)
      }
    }
    // The diagonal of an inverse root is positive.
    guard [left?.root, right?.root].allSatisfy({ $0.map { $0[0] > 0 } ?? true }) else {
      return update.adamW(betas: betas, epsilon: epsilon)
    }
    update.adamDirection(betas: betas, epsilon: epsilon)
    let adamLength = update.norm(update.gradient)
    applyRoots(update, sides, left: left?.root, right: right?.root)
    let length = update.norm(update.gradient)
    let factor =
      switch grafting {
      case .adam: length > 0 ? adamLength / length : 0
      case .none: 1 / (1 - betas[0].raised(to: update.step))
      }
    update.finish(
      keep: 1 - update.learningRate * update.weightDecay, rate: update.learningRate * factor)
  }

  /// Takes the product a b into a sum or running mean of such products.
  private func takeIn(
    _ a: Matrix, _ b: Matrix, inner: Int, into mean: UnsafeMutablePointer<Float>, side: Int,
    _ update: TensorUpdate
  ) {
    update.products.multiply(
      a, b, into: Matrix(update.scratch, stride: side), rows: side, columns: side, inner: inner)
    let count = Int64(side * side)
    if factorDecay == 1 {
      CKernels_accumulate(update.scratch, mean, count)
    } else {
      CKernels_approach(mean, update.scratch, Float(1 - factorDecay), count)
    }
  }

  /// The inverse root of a sum, or of a mean that is corrected for having begun with zeros.
  private func findRoot(
    of product: UnsafeMutablePointer<Float>, into root: UnsafeMutablePointer<Float>, side: Int,
    _ sides: Sides, _ update: TensorUpdate
  ) {
    let correction = factorDecay == 1 ? 1 : 1 / (1 - factorDecay.raised(to: update.step))
    InverseRoot(side: side, root: sides.root, scratch: update.scratch, products: update.products)
      .compute(of: product, scale: correction, ridge: ridge, into: root)
  }

  /// Puts root · m · root in the gradient's place.
  private func applyRoots(
    _ update: TensorUpdate, _ sides: Sides, left: UnsafeMutablePointer<Float>?,
    right: UnsafeMutablePointer<Float>?
  ) {
    let mean = Matrix(update.states[0], stride: sides.columns)
    let middle = Matrix(update.scratch, stride: sides.columns)
    let result = Matrix(update.gradient, stride: sides.columns)
    var current = mean
    if let left {
      let target = right == nil ? result : middle
      update.products.multiply(
        Matrix(left, stride: sides.rows), current, into: target, rows: sides.rows,
        columns: sides.columns, inner: sides.rows)
      current = target
    }
    if let right {
      update.products.multiply(
        current, Matrix(right, stride: sides.columns), into: result, rows: sides.rows,
        columns: sides.columns, inner: sides.columns)
    }
  }
}
