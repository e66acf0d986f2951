// V vocabulary, D width.

import CLockstepKernels

extension Tensor {
  /// What a head learns from targets and from a teacher, summed over the rows (Hinton et al., "Distilling
  /// the Knowledge in a Neural Network", 2015).
  ///
  ///     q(T) = softmax(x Wᵀ / T), p(T) = softmax(t Uᵀ / T):
  ///     Σᵢ -(1 - w) log q(1)[targetᵢ] + w T² Σⱼ p(T)[j] log (p(T)[j] / q(T)[j])
  ///
  /// in nats, over the rows whose target is not negative. The logits of both are computed in chunks of
  /// rows, and gradients right away, as `linearCrossEntropy` does: what holds of that holds here.
  ///
  /// - Parameters:
  ///   - weight: W, [V, D], for self [..., D].
  ///   - targets: One for each row; negative ones are ignored.
  ///   - teacher: t, as many rows as self, of any width; not differentiated.
  ///   - teacherWeight: U, [V, its width].
  ///   - temperature: T, above 0.
  ///   - share: w, in 0 ... 1: the share of the loss that the teacher has.
  /// - Returns: A scalar.
  public func linearDistillation(
    weight: Tensor, targets: Indices, teacher: Tensor, teacherWeight: Tensor, temperature: Float,
    share: Float
  ) -> Tensor {
    precondition(
      teacher.shape.rows == shape.rows && teacherWeight.shape[0] == weight.shape[0],
      "a teacher of \(teacher.shape.rows) rows and \(teacherWeight.shape[0]) classes for "
        + "\(shape.rows) and \(weight.shape[0])")
    precondition(
      temperature > 0 && 0 <= share && share <= 1, "temperature \(temperature), share \(share)")
    let inputs = [self, weight]
    let differentiates = workspace.isRecording && inputs.contains(where: \.requiresGradient)
    let head = LogitChunks(of: self, weight: weight, bias: nil, targets: targets)
    let known = LogitChunks(of: teacher, weight: teacherWeight, bias: nil, targets: targets)
    head.countProducts(differentiates: differentiates)
    known.countProducts(differentiates: false)
    let losses = Tensor(uninitialized: [shape.rows], in: workspace)
    let inputGradient = differentiates ? Tensor(uninitialized: shape, in: workspace) : nil
    let (logits, knownLogits) = (head.makeLogits(), known.makeLogits())
    for range in head.ranges {
      head.compute(range, into: logits)
      known.compute(range, into: knownLogits)
      head.forEachPart(of: range, in: logits) { part, targets, row, count in
        CKernels_distillation(
          part, knownLogits.pointer + (row - range.lowerBound) * head.classes, targets,
          losses.pointer + row, temperature, share, differentiates ? 1 : 0, Int64(count),
          Int64(head.classes))
      }
      if let inputGradient { head.passGradient(logits, of: range, into: inputGradient) }
    }
    return head.sum(
      of: losses, inputs: inputs, inputGradient: inputGradient, name: "linearDistillation")
  }
}
