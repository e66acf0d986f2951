import COpenBLAS
import Parallelism

/// A matrix in memory, as BLAS sees it.
struct Matrix {
  let pointer: UnsafeMutablePointer<Float>
  /// Elements from one row to the next.
  let stride: Int
  var isTransposed = false

  init(_ pointer: UnsafeMutablePointer<Float>, stride: Int) {
    self.pointer = pointer
    self.stride = stride
  }

  var transposed: Matrix {
    var other = self
    other.isTransposed.toggle()
    return other
  }

  /// The part that starts at this row and column of the matrix as it is read.
  func from(row: Int = 0, column: Int = 0) -> Matrix {
    var part = Matrix(
      pointer + (isTransposed ? column * stride + row : row * stride + column), stride: stride)
    part.isTransposed = isTransposed
    return part
  }

  fileprivate var order: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
}

/// C = scale · A B, or C += scale · A B, by one call of OpenBLAS on this thread.
///
/// - Parameters:
///   - a: [rows, inner].
///   - b: [inner, columns].
///   - c: [rows, columns], not transposed.
@inline(__always)
func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int,
  scale: Float = 1, adds: Bool
) {
  cblas_sgemm(
    CblasRowMajor, a.order, b.order, blasint(rows), blasint(columns), blasint(inner), scale,
    a.pointer, blasint(a.stride), b.pointer, blasint(b.stride), adds ? 1 : 0, c.pointer,
    blasint(c.stride))
}

/// The same product cut into strips of rows or columns, one a thread.
///
/// Each element of C is summed over `inner` in an order that does not depend on the strip it lies
/// in: no strip is so small that OpenBLAS would change to its kernels for tiny matrices.
func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
  on threads: ThreadPool, thenForEachStrip finish: ((Range<Int>, Range<Int>) -> Void)? = nil
) {
  guard rows > 0, columns > 0 else { return }
  let work = rows * columns * inner
  let strips = max(1, min(threads.threadCount, work / Grain.product))
  let cutsRows = rows >= columns
  let extent = cutsRows ? rows : columns
  let width = ((extent + strips - 1) / strips + 47) / 48 * 48
  threads.run(tasks: (extent + width - 1) / width) { strip in
    let range = strip * width..<min(extent, (strip + 1) * width)
    if cutsRows {
      multiply(
        a.from(row: range.lowerBound), b, into: c.from(row: range.lowerBound),
        rows: range.count, columns: columns, inner: inner, adds: adds)
      finish?(range, 0..<columns)
    } else {
      multiply(
        a, b.from(column: range.lowerBound), into: c.from(column: range.lowerBound),
        rows: rows, columns: range.count, inner: inner, adds: adds)
      finish?(0..<rows, range)
    }
  }
}
