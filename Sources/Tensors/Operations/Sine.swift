import CLockstepKernels

extension Tensor {
  /// The sine of each element, in radians; the same shape. Elements are below 10⁶ in magnitude.
  ///
  ///     d/dx sin x = cos x
  public func sine() -> Tensor {
    let result = Tensor(uninitialized: shape, in: workspace)
    let slopes = Tensor(uninitialized: shape, in: workspace)
    workspace.threads.run(over: count, grain: Grain.transcendental) { range in
      for index in range {
        var (sine, cosine) = (0.0, 0.0)
        CKernels_sineAndCosine(Double(pointer[index]), &sine, &cosine)
        (result.pointer[index], slopes.pointer[index]) = (Float(sine), Float(cosine))
      }
    }
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { gradient.multiplyElements(with: slopes, into: $0, adds: $1) }
    }
  }
}
