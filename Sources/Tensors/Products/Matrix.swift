import CLockstepKernels

/// A matrix in memory.
package struct Matrix {
  package let pointer: UnsafeMutablePointer<Float>
  /// Elements from one row to the next.
  package let stride: Int
  private(set) var isTransposed = false

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

  /// The matrix as a factor of a product whose elements are in this format.
  func factor(_ format: ProductFormat) -> CKernels_Factor {
    CKernels_Factor(
      elements: pointer, stride: Int64(stride), transposed: isTransposed ? 1 : 0,
      format: format.kernelFormat, rounded: nil)
  }
}
