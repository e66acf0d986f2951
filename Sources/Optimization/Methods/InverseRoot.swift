import CLockstepKernels
import LockstepParallelism
import LockstepTensors

/// The inverse square or fourth root of a symmetric matrix with no negative eigenvalues, by Newton's
/// coupled iteration:
///
///     B = A + ridge · ‖A‖ I,  z = (1 + p) / (2 ‖B‖),  M = z B,  H = z^(1/p) I
///     until M is I:  T = ((p + 1) I - M) / p,  M = Tᵖ M,  H = H T
///
/// C.-H. Guo, N. Higham, "A Schur-Newton Method for the Matrix pth Root and its Inverse", 2006. It
/// consists of products alone, whose sums have one order; an eigenvalue solver of LAPACK picks its
/// own by processor.
struct InverseRoot {
  let side: Int
  /// p: 2 or 4.
  let root: Int
  let scratch: UnsafeMutablePointer<Float>
  let products: Products

  private static let iterationLimit = 100
  /// Where the largest element of M - I counts as none, in 32 bits.
  private static let tolerance: Float = 1e-6
  /// Above it the result is of no use.
  private static let acceptable: Float = 0.1

  static func scratchCount(side: Int) -> Int { 5 * side * side }

  private var count: Int { side * side }

  private func matrix(_ index: Int) -> Matrix { Matrix(scratch + index * count, stride: side) }

  /// Where the iteration does not come near, the result stays as it was: that of earlier steps.
  ///
  /// - Parameters:
  ///   - a: [side, side].
  ///   - scale: Factor on a.
  ///   - ridge: Added to the diagonal, as a share of the Frobenius norm.
  ///   - result: [side, side].
  func compute(
    of a: UnsafePointer<Float>, scale: Double, ridge: Double,
    into result: UnsafeMutablePointer<Float>
  ) {
    let norm = CKernels_sumSquares(a, Int64(count)).squareRoot() * scale
    guard norm > 0, norm.isFinite else { return }
    let power = Double(root)
    let z = (1 + power) / (2 * norm * (1 + ridge))
    var (m, h, spare) = (matrix(0), matrix(1), matrix(2))
    let (step, square) = (matrix(3), matrix(4))
    CKernels_scale(a, Float(z * scale), m.pointer, Int64(count))
    let start = Float(CKernels_power(z, 1 / power))
    for row in 0..<side {
      m.pointer[row * side + row] += Float(z * ridge * norm)
      for column in 0..<side { h.pointer[row * side + column] = row == column ? start : 0 }
    }
    var error = distanceFromIdentity(m)
    var iterations = 0
    while error > Self.tolerance && iterations < Self.iterationLimit {
      iterations += 1
      CKernels_scale(m.pointer, Float(-1 / power), step.pointer, Int64(count))
      for row in 0..<side { step.pointer[row * side + row] += Float((power + 1) / power) }
      product(h, step, into: spare)
      swap(&h, &spare)
      product(step, step, into: square)
      if root == 4 {
        product(square, square, into: spare)
        product(spare, m, into: square)
      } else {
        product(square, m, into: spare)
        square.pointer.update(from: spare.pointer, count: count)
      }
      m.pointer.update(from: square.pointer, count: count)
      let next = distanceFromIdentity(m)
      // Rounding has the last word: further steps would only add to it.
      if iterations > 3, next >= error, next < Self.acceptable { break }
      error = next
    }
    if error < Self.acceptable { result.update(from: h.pointer, count: count) }
  }

  private func product(_ a: Matrix, _ b: Matrix, into c: Matrix) {
    products.multiply(a, b, into: c, rows: side, columns: side, inner: side)
  }

  /// The largest element of |M - I|; infinite where one is not a number.
  private func distanceFromIdentity(_ m: Matrix) -> Float {
    var largest: Float = 0
    for row in 0..<side {
      for column in 0..<side {
        let distance = abs(m.pointer[row * side + column] - (row == column ? 1 : 0))
        guard distance.isFinite else { return .infinity }
        largest = max(largest, distance)
      }
    }
    return largest
  }
}
