import CLockstepKernels

extension Tensor {
  /// The binary cross-entropy of logits, summed, in nats: each element answers a question of its
  /// own with yes or no.
  ///
  ///     p = 1 / (1 + e⁻ˣ):  -y log p - (1 - y) log (1 - p) = max(x, 0) - x y + log(1 + e^-|x|)
  ///     d/dx = p - y
  ///
  /// - Parameter targets: y, of this tensor's shape: the probability of yes, in 0 ... 1.
  /// - Returns: A scalar.
  public func binaryCrossEntropy(to targets: Tensor) -> Tensor {
    summedLoss(against: targets) { x, y in
      let small = CKernels_exp(-abs(x))
      let probability = (x >= 0 ? 1 : small) / (1 + small)
      // Comparing first would make NaN look like a number.
      let positive = x > 0 ? x : x.isNaN ? x : 0
      return (positive - x * y + CKernels_log(1 + small), probability - y)
    }
  }
}
