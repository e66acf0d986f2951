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
