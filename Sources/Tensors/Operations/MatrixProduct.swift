import COpenBLAS
import Parallelism

/// A matrix in memory, as BLAS sees it.
package struct Matrix {
  package let pointer: UnsafeMutablePointer<Float>
  /// Elements from one row to the next.
  package let stride: Int
  private var isTransposed = false

  package init(_ pointer: UnsafeMutablePointer<Float>, stride: Int) {
    self.pointer = pointer
    self.stride = stride
  }

  package var transposed: Matrix {
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

/// The same product cut into strips of rows or columns that the threads share.
///
/// - Parameter finish: Called on the thread that computed a strip, with its rows and columns.
package func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
  on threads: ThreadPool, thenForEachStrip finish: ((Range<Int>, Range<Int>) -> Void)? = nil
) {
  guard rows > 0, columns > 0 else { return }
  let cutsRows = rows >= columns
  let strips = Strips(
    extent: cutsRows ? rows : columns, workPerLine: min(rows, columns) * inner)
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

/// How the rows or columns of a product are cut: by its shape alone, never by the number of threads.
///
/// The cut is part of the result. OpenBLAS sums an element in an order that depends on where in the
/// matrix it lies: cut at any multiple of 16, four of five random products change some bits (0.3.21,
/// Zen kernels). The strips of 128 to 256 lines cost 3 to 5 % against one call for the whole.
package struct Strips {
  package let extent: Int
  package let count: Int

  /// Strips start at multiples of this: whole tiles of OpenBLAS's inner kernels.
  private static let tile = 16

  /// - Parameters:
  ///   - extent: How many rows or columns there are.
  ///   - workPerLine: Multiply-adds of one row or column.
  package init(extent: Int, workPerLine: Int) {
    self.extent = extent
    let width = max(min(max(extent / 4, 128), 256), Grain.product / max(workPerLine, 1))
    count = max(1, min((extent + width / 2) / width, extent / Self.tile))
  }

  package subscript(index: Int) -> Range<Int> {
    let tiles = extent / Self.tile
    let start = tiles * index / count * Self.tile
    return start..<(index == count - 1 ? extent : tiles * (index + 1) / count * Self.tile)
  }
}
