import CLockstepKernels

/// What happens to an element of a product while it is still in the cache: a bias is added, and an
/// activation of the sum written to a second matrix of the product's shape and stride.
package struct ProductEpilogue {
  /// One element a column.
  var bias: UnsafePointer<Float>?
  var activation: Activation?
  /// Where the activations go; nil exactly where there is no activation.
  var activated: UnsafeMutablePointer<Float>?

  func kernelEpilogue(row: Int, column: Int, stride: Int) -> CKernels_Epilogue {
    CKernels_Epilogue(
      bias: bias.map { $0 + column }, activated: activated.map { $0 + row * stride + column },
      activation: activation?.kind ?? CKernels_relu, slope: activation?.slope ?? 0)
  }

  /// The same after a product that knows nothing of it, on a part of the product.
  ///
  /// - Parameter part: [rows, columns], its first element being at this row and column of the product.
  func apply(to part: Matrix, row: Int, column: Int, rows: Int, columns: Int) {
    for line in 0..<rows {
      let sums = part.pointer + line * part.stride
      if let bias { CKernels_accumulate(bias + column, sums, Int64(columns)) }
      if let activation, let activated {
        CKernels_activationForward(
          activation.kind, activation.slope, sums,
          activated + (row + line) * part.stride + column, Int64(columns))
      }
    }
  }
}
