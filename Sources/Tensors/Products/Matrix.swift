import CLockstepKernels

/// A matrix in memory.
package struct Matrix {
  /// The first element of a matrix of floats.
  package let pointer: UnsafeMutablePointer<Float>
  /// Elements that are rounded to bfloat16 already, which products of that format read in place of floats;
  /// nil: the elements are floats.
  private var rounded: UnsafePointer<UInt16>?
  /// Elements from one row to the next.
  package let stride: Int
  private(set) var isTransposed = false

  package init(_ pointer: UnsafeMutablePointer<Float>, stride: Int) {
    self.pointer = pointer
    self.stride = stride
  }

  /// A factor of products in bfloat16 that is kept so; nothing else can be done with it.
  init(rounded elements: UnsafeMutablePointer<UInt16>, stride: Int) {
    self.init(UnsafeMutableRawPointer(elements).assumingMemoryBound(to: Float.self), stride: stride)
    rounded = UnsafePointer(elements)
  }

  package var transposed: Matrix {
    var other = self
    other.isTransposed.toggle()
    return other
  }

  /// The part that starts at this row and column of the matrix as it is read.
  func from(row: Int = 0, column: Int = 0) -> Matrix {
    let offset = isTransposed ? column * stride + row : row * stride + column
    var part = Matrix(pointer + (rounded == nil ? offset : 0), stride: stride)
    part.rounded = rounded.map { $0 + offset }
    part.isTransposed = isTransposed
    return part
  }

  /// Zeroes a matrix that is not transposed.
  func clear(rows: Int, columns: Int) {
    for row in 0..<rows { (pointer + row * stride).update(repeating: 0, count: columns) }
  }

  /// The matrix as a factor of a product whose elements are in this format.
  func factor(_ format: ProductFormat) -> CKernels_Factor {
    precondition(rounded == nil || format == .bfloat16, "floats are wanted, not their upper halves")
    return CKernels_Factor(
      elements: rounded == nil ? pointer : nil, stride: Int64(stride),
      transposed: isTransposed ? 1 : 0, format: format.kernelFormat, rounded: rounded)
  }
}
