import CLockstepKernels

extension Tensor {
  /// The cross-entropy of rows of logits, summed, in nats.
  ///
  ///     q = softmax(x):  -(1 - ε) log q[target] - ε/C Σⱼ log q[j]
  ///     d/dxⱼ = q[j] - ε/C - (1 - ε) [j = target]
  ///
  /// For a language model's head, whose logits would fill the memory, see `linearCrossEntropy`.
  ///
  /// - Parameters:
  ///   - targets: One class for each row, in 0 ..< C; a row with a negative one is ignored and
  ///     loses nothing.
  ///   - labelSmoothing: ε, in 0 ..< 1: the share of the target that all classes have alike (Szegedy
  ///     et al., 2016). Default: 0.
  /// - Returns: A scalar, for self [..., C].
  public func softmaxCrossEntropy(targets: Indices, labelSmoothing: Double = 0) -> Tensor {
    let classes = shape.last
    precondition(
      targets.elements.count == shape.rows,
      "softmaxCrossEntropy: \(targets.shape) targets for logits \(shape)")
    precondition(
      targets.elements.allSatisfy { $0 < classes }, "a target is not below \(classes) classes")
    precondition(
      0 <= labelSmoothing && labelSmoothing < 1, "label smoothing in 0 ..< 1: \(labelSmoothing)")
    let even = labelSmoothing / Double(classes)
    return summedRowLoss { row, logits, slopes in
      let target = Int(targets.elements[row])
      guard target >= 0 else { return 0 }
      let logSum = logits.softmax(into: &slopes)
      for index in slopes.indices { slopes[index] -= even }
      slopes[target] -= 1 - labelSmoothing
      let fromTarget = logSum - Double(logits[target])
      guard labelSmoothing > 0 else { return fromTarget }
      let fromAll = logits.reduce(0) { $0 + (logSum - Double($1)) }
      return (1 - labelSmoothing) * fromTarget + even * fromAll
    }
  }

  /// The divergence of a softmax from given distributions, summed over the rows, in nats (Kullback
  /// and Leibler, 1951): for targets that are no single class, such as another model's answers.
  ///
  ///     q = softmax(x):  Σⱼ p[j] (log p[j] - log q[j]),    d/dxⱼ = q[j] Σ p - p[j]
  ///
  /// - Parameter targets: p, of this tensor's shape, not negative; each row adds up to 1.
  /// - Returns: A scalar, for self [..., C].
  public func divergence(from targets: Tensor) -> Tensor {
    precondition(
      targets.shape == shape, "a divergence of \(shape) from targets \(targets.shape)")
    return summedRowLoss { row, logits, slopes in
      let logSum = logits.softmax(into: &slopes)
      let target = UnsafeBufferPointer(
        start: targets.pointer + row * targets.shape.last, count: targets.shape.last)
      let mass = target.reduce(0) { $0 + Double($1) }
      var loss = 0.0
      for (index, share) in target.enumerated() {
        let share = Double(share)
        slopes[index] = slopes[index] * mass - share
        guard share > 0 else { continue }
        loss += share * (CKernels_log(share) - (Double(logits[index]) - logSum))
      }
      return loss
    }
  }

  /// A loss that is a sum over rows, added in their order, in Double; threads share the rows.
  ///
  /// - Parameter rowLoss: Given a row's number, its elements, and zeros to which it adds the
  ///   derivatives; returns the row's loss.
  private func summedRowLoss(
    _ rowLoss: (
      _ row: Int, _ elements: UnsafeBufferPointer<Float>, _ slopes: inout [Double]
    ) -> Double
  ) -> Tensor {
    let (rows, columns) = (shape.rows, shape.last)
    let slopes = Tensor(uninitialized: shape, in: workspace)
    let losses = Tensor(uninitialized: [rows], in: workspace)
    workspace.threads.run(over: rows, grain: max(1, Grain.transcendental / columns)) { part in
      var rowSlopes = [Double](repeating: 0, count: columns)
      for row in part {
        for column in 0..<columns { rowSlopes[column] = 0 }
        let elements = UnsafeBufferPointer(start: pointer + row * columns, count: columns)
        losses.pointer[row] = Float(rowLoss(row, elements, &rowSlopes))
        for column in 0..<columns {
          slopes.pointer[row * columns + column] = Float(rowSlopes[column])
        }
      }
    }
    let sum = losses.withElements { $0.reduce(0.0) { $0 + Double($1) } }
    return Tensor([Float(sum)], shape: [], in: workspace).recordedLoss(of: self, slopes: slopes)
  }
}

extension UnsafeBufferPointer<Float> {
  /// The softmax of these logits, in Double.
  ///
  /// - Returns: log Σⱼ e^xⱼ.
  fileprivate func softmax(into probabilities: inout [Double]) -> Double {
    let largest = Double(reduce(-.infinity) { $1 > $0 ? $1 : $0 })
    var sum = 0.0
    for (index, logit) in enumerated() {
      // The exponential is clamped: NaN has to be handed on by hand.
      let distance = Double(logit) - largest
      probabilities[index] = distance.isNaN ? distance : CKernels_exp(distance)
      sum += probabilities[index]
    }
    for index in indices { probabilities[index] /= sum }
    return largest + CKernels_log(sum)
  }
}
