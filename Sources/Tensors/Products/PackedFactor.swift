import CLockstepKernels

/// A right factor brought into the order in which products read it, for several products with it.
struct PackedFactor {
  private let products: Products
  private let matrix: Matrix
  private let memory: UnsafeMutablePointer<Float>
  private let inner: Int
  private let columns: Int

  /// How many floats the packed form of [inner, columns] takes.
  static func count(_ format: ProductFormat, inner: Int, columns: Int) -> Int {
    Int(CKernels_packedCount(format.kernelFormat, Int64(inner), Int64(columns)))
  }

  /// - Parameters:
  ///   - matrix: [inner, columns]; lives as long as this.
  ///   - memory: Of `count(_:inner:columns:)` floats, which the packed factor does not own.
  ///   - products: Whose products these are.
  init(
    _ matrix: Matrix, inner: Int, columns: Int, in memory: UnsafeMutablePointer<Float>,
    for products: Products
  ) {
    self.products = products
    self.matrix = matrix
    self.memory = memory
    self.inner = inner
    self.columns = columns
    switch products.library {
    case .canonical:
      CKernels_packFactor(matrix.factor(products.format), Int64(inner), Int64(columns), memory)
    // It packs by itself, each time.
    case .openBLAS: break
    }
  }

  /// C = A B, or C += A B, with the first rows and columns of this factor as B, on this thread. The
  /// result is that of `Products.multiply`.
  ///
  /// - Parameters:
  ///   - a: [rows, inner].
  ///   - c: [rows, columns].
  ///   - columns: All, or a multiple of 32.
  func multiply(
    from a: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool = false
  ) {
    switch products.library {
    case .canonical:
      CKernels_matrixProductPacked(
        a.factor(products.format), memory, Int64(self.inner), Int64(self.columns), c.pointer,
        Int64(c.stride), Int64(rows), Int64(columns), Int64(inner), adds ? 1 : 0, nil)
    case .openBLAS:
      products.multiplyHere(
        a, matrix, into: c, rows: rows, columns: columns, inner: inner, adds: adds)
    }
  }
}
