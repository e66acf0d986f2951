extension Tensor {
  /// The squared error, summed: the mean-squared error once the trainer has divided by the number of
  /// targets.
  ///
  ///     Σᵢ (xᵢ - yᵢ)²,    d/dxᵢ = 2 (xᵢ - yᵢ)
  ///
  /// - Parameter targets: y, of this tensor's shape.
  /// - Returns: A scalar.
  public func squaredError(to targets: Tensor) -> Tensor {
    summedLoss(against: targets) { x, y in ((x - y) * (x - y), 2 * (x - y)) }
  }
}
