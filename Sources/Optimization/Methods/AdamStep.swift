import CLockstepKernels

extension CKernels_AdamStep {
  /// The coefficients of Adam's kernels, each computed in double precision and rounded once. Without
  /// weight decay, which is either in `decay` or in `keep`.
  ///
  /// - Parameters:
  ///   - point: Scale, step and learning rate.
  ///   - betas: β₁ and β₂.
  ///   - epsilon: ε.
  init(_ point: UpdatePoint, betas: [Double], epsilon: Double) {
    self.init(
      scale: point.scale, step: point.step, learningRate: point.learningRate, betas: betas,
      epsilon: epsilon)
  }

  init(scale: Float, step: Int, learningRate: Double, betas: [Double], epsilon: Double) {
    let (beta1, beta2) = (betas[0], betas[1])
    self.init(
      gradient_scale: scale,
      decay: 0,
      keep: 1,
      mean_rate: Float(1 - beta1),
      variance_keep: Float(beta2),
      variance_rate: Float(1 - beta2),
      step_size: Float(learningRate / (1 - beta1.raised(to: step))),
      gradient_step: 0,
      variance_correction: Float(1 / (1 - beta2.raised(to: step)).squareRoot()),
      epsilon: Float(epsilon))
  }
}
