/// What is added to a step's gradient: a further term of the loss, or what is known to be wrong with the gradient.
protocol GradientCorrection {
  /// - Parameters:
  ///   - gradient: The gradient of the summed loss, of all that is trained.
  ///   - parameters: Where it was taken.
  ///   - scale: How many targets the sum is over.
  func apply(
    to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeMutableBufferPointer<Float>, scale: Float)
}
