import CLockstepKernels

/// What happens to an element of a product while it is still in the cache: a bias is added, and then an
/// element of another matrix; or an activation of the sum is written to a second matrix of the product's shape
/// and stride, and the product itself keeps the sum, or the slope of the activation.
package struct ProductEpilogue {
  /// One element a column.
  private let bias: UnsafePointer<Float>?
  /// Of the product's shape and stride.
  private let added: UnsafePointer<Float>?
  private let activation: Activation?
  /// Where the activations go, as floats or rounded; both nil where there is no activation.
  private let activated: UnsafeMutablePointer<Float>?
  private let rounded: UnsafeMutablePointer<UInt16>?
  private let keepsSlopes: Bool

  /// - Parameters:
  ///   - bias: One element a column; nil for none. All tensors live as long as this.
  ///   - added: Of the product's shape; nil for none. Not together with an activation. Default: nil.
  ///   - activation: Nil for none. Default: nil.
  ///   - activated: Gets the activations; of the product's shape, floats or, for products in bfloat16, kept
  ///     in that form. Default: nil.
  ///   - keepsSlopes: Whether the product keeps the slopes of the activation instead of the sums. Default:
  ///     false.
  init(
    bias: UnsafePointer<Float>?, added: Tensor? = nil, activation: Activation? = nil,
    into activated: Tensor? = nil, keepsSlopes: Bool = false
  ) {
    precondition(added == nil || activation == nil, "a sum is added to, or activated")
    self.added = added.map { UnsafePointer($0.pointer) }
    self.keepsSlopes = keepsSlopes
    self.bias = bias
    self.activation = activation
    self.activated = activated?.form == nil ? activated?.pointer : nil
    rounded = activated?.form == nil ? nil : activated?.roundedPointer
  }

  func kernelEpilogue(row: Int, column: Int, stride: Int) -> CKernels_Epilogue {
    let place = row * stride + column
    return CKernels_Epilogue(
      bias: bias.map { $0 + column }, added: added.map { $0 + place },
      activated: activated.map { $0 + place },
      rounded: rounded.map { $0 + place }, activation: activation?.kind ?? CKernels_relu,
      slope: activation?.slope ?? 0, keepsSlopes: keepsSlopes ? 1 : 0)
  }

  /// The same after a product that knows nothing of it, on a part of the product.
  ///
  /// - Parameter part: [rows, columns], its first element being at this row and column of the product.
  func apply(to part: Matrix, row: Int, column: Int, rows: Int, columns: Int) {
    for line in 0..<rows {
      let sums = part.pointer + line * part.stride
      if let bias { CKernels_accumulate(bias + column, sums, Int64(columns)) }
      let place = (row + line) * part.stride + column
      if let added { CKernels_accumulate(added + place, sums, Int64(columns)) }
      guard let activation, let activated else { continue }
      let destination = activated + place
      if keepsSlopes {
        CKernels_activationAndSlope(
          activation.kind, activation.slope, sums, destination, Int64(columns))
      } else {
        CKernels_activationForward(
          activation.kind, activation.slope, sums, destination, Int64(columns))
      }
    }
  }
}
