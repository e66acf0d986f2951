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
/// in: see `Strips`.
///
/// - Parameter finish: Called on the thread that computed a strip, with its rows and columns.
func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
  on threads: ThreadPool, thenForEachStrip finish: ((Range<Int>, Range<Int>) -> Void)? = nil
) {
  guard rows > 0, columns > 0 else { return }
  let cutsRows = rows >= columns
  let strips = Strips(
    extent: cutsRows ? rows : columns, workPerLine: min(rows, columns) * inner,
    most: threads.threadCount)
  threads.run(tasks: strips.count) { index in
    let range = strips[index]
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

/// How the rows or columns of a product are cut among threads.
///
/// A strip starts where a tile of OpenBLAS's inner kernels starts, and none is so small that
/// OpenBLAS would change to its kernels for tiny matrices (below 10⁶ multiply-adds) or for vectors:
/// each element is then summed in the same order in every cut.
struct Strips {
  let extent: Int
  let count: Int

  /// Rows or columns of a tile, a multiple of those of all kernels.
  private static let tile = 16

  /// - Parameters:
  ///   - extent: How many rows or columns there are.
  ///   - workPerLine: Multiply-adds of one row or column.
  ///   - most: How many strips are wanted.
  init(extent: Int, workPerLine: Int, most: Int) {
    self.extent = extent
    let tiles = extent / Self.tile
    var count = max(1, min(most, tiles))
    while count > 1 && tiles / count * Self.tile * workPerLine < Grain.product { count -= 1 }
    self.count = count
  }

  subscript(index: Int) -> Range<Int> {
    let tiles = extent / Self.tile
    let start = tiles * index / count * Self.tile
    return start..<(index == count - 1 ? extent : tiles * (index + 1) / count * Self.tile)
  }
}
