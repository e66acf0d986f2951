import CLockstepKernels

extension Tensor {
  /// The cross-entropy of a linear layer's softmax, summed over the rows: the head of a language
  /// model in one operation, computed in chunks of rows so that the logits of all tokens never
  /// exist at once.
  ///
  ///     q = softmax(xᵢ Wᵀ + b):  Σᵢ -(1 - ε) log q[targetᵢ] - ε/V Σⱼ log q[j]
  ///
  /// in nats, over the rows whose target is not negative. The others take no part in the products:
  /// they cost nothing.
  ///
  /// Where the result is to be differentiated, the gradients are computed right away, while a
  /// chunk's logits are in memory: `backward()` may then be called on this sum, or on sums of such
  /// sums, but not on multiples of it.
  ///
  /// - Parameters:
  ///   - weight: W, [V, D], for self [..., D].
  ///   - bias: b, [V]; nil: none. Default: nil.
  ///   - targets: One for each row; negative ones are ignored.
  ///   - labelSmoothing: ε, in 0 ..< 1: the share of the target that all classes have alike (Szegedy
  ///     et al., 2016). Default: 0.
  /// - Returns: A scalar.
  public func linearCrossEntropy(
    weight: Tensor, bias: Tensor? = nil, targets: Indices, labelSmoothing: Float = 0
  ) -> Tensor {
    precondition(
      0 <= labelSmoothing && labelSmoothing < 1, "label smoothing in 0 ..< 1: \(labelSmoothing)")
    let inputs = [self, weight] + (bias.map { [$0] } ?? [])
    let differentiates = workspace.isRecording && inputs.contains(where: \.requiresGradient)
    let head = LogitChunks(of: self, weight: weight, bias: bias, targets: targets)
    head.countProducts(differentiates: differentiates)
    let losses = Tensor(uninitialized: [shape.rows], in: workspace)
    let inputGradient = differentiates ? Tensor(uninitialized: shape, in: workspace) : nil
    let logits = head.makeLogits()
    for range in head.ranges {
      head.compute(range, into: logits)
      head.forEachPart(of: range, in: logits) { logits, targets, row, count in
        CKernels_crossEntropy(
          logits, targets, losses.pointer + row, labelSmoothing, differentiates ? 1 : 0,
          Int64(count), Int64(head.classes), Int64(head.classes))
      }
      if let inputGradient { head.passGradient(logits, of: range, into: inputGradient) }
    }
    return head.sum(
      of: losses, inputs: inputs, inputGradient: inputGradient, name: "linearCrossEntropy")
  }

  /// The cross-entropy of a linear layer's softmax for each row: the head of a language model whose
  /// rows' losses something further is made of.
  ///
  ///     lossᵢ = -log softmax(xᵢ Wᵀ)[targetᵢ]
  ///
  /// in nats, 0 for rows whose target is negative. Computed in chunks as `linearCrossEntropy`. Other
  /// than that, it may be differentiated as anything else, for which the logits are computed once more
  /// in the backward pass.
  ///
  /// - Parameters:
  ///   - weight: W, [V, D], for self [..., D].
  ///   - targets: One for each row; negative ones are ignored.
  /// - Returns: [rows].
  public func linearCrossEntropies(weight: Tensor, targets: Indices) -> Tensor {
    let head = LogitChunks(of: self, weight: weight, bias: nil, targets: targets)
    let inputs = [self, weight]
    head.countProducts(
      differentiates: workspace.isRecording && inputs.contains(where: \.requiresGradient))
    let losses = Tensor(uninitialized: [shape.rows], in: workspace)
    let logits = head.makeLogits()
    for range in head.ranges {
      head.compute(range, into: logits)
      head.forEachPart(of: range, in: logits) { logits, targets, row, count in
        CKernels_crossEntropy(
          logits, targets, losses.pointer + row, 0, 0, Int64(count), Int64(head.classes),
          Int64(head.classes))
      }
    }
    head.rows.spread(losses, width: 1)
    return losses.recorded(inputs: inputs) { [node, workspace, shape] gradient in
      let slopes = head.rows.gathered(gradient)
      let inputGradient = Tensor(uninitialized: shape, in: workspace)
      let logits = head.makeLogits()
      for range in head.ranges {
        head.compute(range, into: logits)
        head.forEachPart(of: range, in: logits) { logits, targets, row, count in
          for place in 0..<count {
            let (row, slope) = (logits + place * head.classes, slopes[row + place])
            // The kernel takes a scale of zero for "no gradient".
            guard slope != 0 else {
              row.update(repeating: 0, count: head.classes)
              continue
            }
            var loss: Float = 0
            CKernels_crossEntropy(
              row, targets + place, &loss, 0, slope, 1, Int64(head.classes), Int64(head.classes))
          }
        }
        head.passGradient(logits, of: range, into: inputGradient)
      }
      head.rows.spread(inputGradient)
      node?.passGradient(inputGradient)
    }
  }
}
