import CLockstepKernels
import LockstepParallelism

/// A matrix in memory.
package struct Matrix {
  package let pointer: UnsafeMutablePointer<Float>
  /// Elements from one row to the next.
  package let stride: Int
  fileprivate private(set) var isTransposed = false

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

  /// Zeroes a matrix that is not transposed.
  func clear(rows: Int, columns: Int) {
    for row in 0..<rows { (pointer + row * stride).update(repeating: 0, count: columns) }
  }

  fileprivate var factor: CKernels_Factor {
    CKernels_Factor(elements: pointer, stride: Int64(stride), transposed: isTransposed ? 1 : 0)
  }
}

/// C = A B, or C += A B, on this thread.
///
/// - Parameters:
///   - a: [rows, inner].
///   - b: [inner, columns].
///   - c: [rows, columns], not transposed.
func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool
) {
  CKernels_matrixProduct(
    a.factor, b.factor, c.pointer, Int64(c.stride), Int64(rows), Int64(columns), Int64(inner),
    adds ? 1 : 0, nil)
}

/// The same product, shared out among the threads.
///
/// - Parameter epilogue: What is done to each element of the product. Default: nothing.
package func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
  on threads: ThreadPool, epilogue: ProductEpilogue? = nil
) {
  guard rows > 0, columns > 0 else { return }
  let grid = ProductGrid(
    rows: rows, columns: columns, inner: inner, threadCount: threads.threadCount,
    keepsRows: !a.isTransposed)
  threads.run(tasks: grid.count) { index in
    let (rowRange, columnRange) = grid[index]
    let (row, column) = (rowRange.lowerBound, columnRange.lowerBound)
    let destination = c.from(row: row, column: column)
    func run(_ epilogue: UnsafePointer<CKernels_Epilogue>?) {
      CKernels_matrixProduct(
        a.from(row: row).factor, b.from(column: column).factor, destination.pointer,
        Int64(c.stride), Int64(rowRange.count), Int64(columnRange.count), Int64(inner),
        adds ? 1 : 0, epilogue)
    }
    guard let epilogue else { return run(nil) }
    withUnsafePointer(to: epilogue.kernelEpilogue(row: row, column: column, stride: c.stride), run)
  }
}

/// What happens to an element of a product while it is still in the cache: a bias is added, and an
/// activation of the sum written to a second matrix of the product's shape and stride.
package struct ProductEpilogue {
  /// One element a column.
  var bias: UnsafePointer<Float>?
  var activation: Activation?
  /// Where the activations go; nil exactly where there is no activation.
  var activated: UnsafeMutablePointer<Float>?

  fileprivate func kernelEpilogue(row: Int, column: Int, stride: Int) -> CKernels_Epilogue {
    CKernels_Epilogue(
      bias: bias.map { $0 + column }, activated: activated.map { $0 + row * stride + column },
      activation: activation?.kind ?? CKernels_relu, slope: activation?.slope ?? 0)
  }
}

/// How a product is shared out among threads: in a grid of about equal parts.
///
/// An element of a product is computed in one order wherever the cuts are (CKernels_matrixProduct.h),
/// so they may follow the number of threads.
package struct ProductGrid {
  package let count: Int
  private let rows: Int
  private let columns: Int
  private let rowParts: Int
  private let columnParts: Int

  /// Cuts between columns are at multiples of this: whole tiles.
  private static let tile = 32

  /// - Parameter keepsRows: Whether the rows are those of activations, which one thread at a time works
  ///   on from operation to operation, so that they stay in its caches. Default: false.
  package init(
    rows: Int, columns: Int, inner: Int, threadCount: Int, keepsRows: Bool = false
  ) {
    self.rows = rows
    self.columns = columns
    // Of few rows, the right factor takes as long to read as sixteen rows to compute.
    let parts = max(1, min(threadCount, max(rows, 16) * columns * inner / Grain.product))
    let mostColumnParts = max(1, columns / (3 * Self.tile))
    let mostRowParts = max(1, rows / Self.tile)
    // Each part of the columns brings its part of the right factor into order, which every part of
    // the rows does again: little of the work where the parts have many rows.
    if keepsRows && rows / parts >= 8 * Self.tile {
      rowParts = parts
      columnParts = 1
    } else {
      columnParts = min(parts, mostColumnParts)
      rowParts = min(mostRowParts, max(1, parts / columnParts))
    }
    count = rowParts * columnParts
  }

  package subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = index.quotientAndRemainder(dividingBy: columnParts)
    let tiles = (columns + Self.tile - 1) / Self.tile
    func edge(_ part: Int) -> Int { min(columns, tiles * part / columnParts * Self.tile) }
    return (
      rows * row / rowParts..<rows * (row + 1) / rowParts, edge(column)..<edge(column + 1)
    )
  }
}

/// A right factor brought into the order in which products read it, for several products with it.
struct PackedFactor {
  private let memory: UnsafeMutablePointer<Float>
  private let inner: Int
  private let columns: Int

  /// How many floats the packed form of [inner, columns] takes.
  static func count(inner: Int, columns: Int) -> Int {
    Int(CKernels_packedCount(Int64(inner), Int64(columns)))
  }

  /// - Parameters:
  ///   - matrix: [inner, columns].
  ///   - memory: Of `count(inner:columns:)` floats, which the packed factor does not own.
  init(_ matrix: Matrix, inner: Int, columns: Int, in memory: UnsafeMutablePointer<Float>) {
    self.memory = memory
    self.inner = inner
    self.columns = columns
    CKernels_packFactor(matrix.factor, Int64(inner), Int64(columns), memory)
  }

  /// C = A B, or C += A B, with the first rows and columns of this factor as B. The result is that of
  /// `multiply`.
  ///
  /// - Parameters:
  ///   - a: [rows, inner].
  ///   - c: [rows, columns].
  ///   - columns: All, or a multiple of 32.
  func multiply(
    from a: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool = false
  ) {
    CKernels_matrixProductPacked(
      a.factor, memory, Int64(self.inner), Int64(self.columns), c.pointer, Int64(c.stride),
      Int64(rows), Int64(columns), Int64(inner), adds ? 1 : 0)
  }
}
