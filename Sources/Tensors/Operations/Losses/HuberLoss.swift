extension Tensor {
  /// Huber's loss, summed: the square near the target, the distance far from it, so that outliers
  /// pull no harder than others (Huber, "Robust estimation of a location parameter", 1964).
  ///
  ///     e = xᵢ - yᵢ:  ½ e² where |e| ≤ δ, else δ (|e| - ½ δ)
  ///     d/dxᵢ = e where |e| ≤ δ, else ±δ
  ///
  /// - Parameters:
  ///   - targets: y, of this tensor's shape.
  ///   - delta: δ, above 0. Default: 1.
  /// - Returns: A scalar.
  public func huberLoss(to targets: Tensor, delta: Double = 1) -> Tensor {
    precondition(delta > 0, "huberLoss: delta is above 0, not \(delta)")
    return summedLoss(against: targets) { x, y in
      let error = x - y
      let distance = abs(error)
      if distance <= delta { return (0.5 * error * error, error) }
      return (delta * (distance - 0.5 * delta), error > 0 ? delta : error < 0 ? -delta : error)
    }
  }
}
