import CLockstepKernels

extension Tensor {
  /// Zeroes each element with this probability and scales the others by 1 / (1 - probability)
  /// (Srivastava et al., 2014). Does nothing outside training.
  ///
  /// The mask is a function of (seed, step, micro-batch, how many dropouts came before, position):
  /// it is drawn again in the backward pass, not stored.
  ///
  /// - Parameter probability: In 0 ..< 1.
  public func dropout(_ probability: Float) -> Tensor {
    precondition(0 <= probability && probability < 1, "dropout: \(probability) is not in 0 ..< 1")
    guard workspace.isTraining, probability > 0 else { return self }
    let stream = workspace.nextRandomStream(.dropout)
    let result = Tensor(uninitialized: shape, in: workspace)
    mask(stream, probability, into: result.pointer, adds: false)
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { gradient.mask(stream, probability, into: $0, adds: $1) }
    }
  }

  private func mask(
    _ stream: RandomStream, _ probability: Float, into destination: UnsafeMutablePointer<Float>,
    adds: Bool
  ) {
    // Tasks start at multiples of 64 elements, where the masks of a stream can be entered.
    let length = 1 << 14
    workspace.threads.run(tasks: (count + length - 1) / length) { task in
      var kernelStream = stream.kernelStream
      let start = task * length
      CKernels_dropout(
        &kernelStream, probability, Int64(start), pointer + start, destination + start,
        Int64(min(length, count - start)), adds ? 1 : 0)
    }
  }
}
