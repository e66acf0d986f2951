import CLockstepKernels

extension Tensor {
  /// An operation of one's own: how its output follows from its inputs, and how the output's gradient
  /// is handed on to them.
  ///
  ///     // y = x³, whose slope is 3 x².
  ///     let cube = Tensor.custom([x], shape: x.shape) { inputs, output in
  ///       for i in output.indices { output[i] = inputs[0][i] * inputs[0][i] * inputs[0][i] }
  ///     } backward: { inputs, gradient, slopes in
  ///       guard let slope = slopes[0] else { return }
  ///       for i in slope.indices { slope[i] = gradient[i] * 3 * inputs[0][i] * inputs[0][i] }
  ///     }
  ///
  /// Both closures run on the calling thread; `workspace.threads` shares out loops. So that a run has the
  /// same bits on any number of threads, add in an order that does not depend on how work is shared out.
  ///
  /// - Parameters:
  ///   - inputs: At least one, all of one workspace.
  ///   - shape: Of the output.
  ///   - forward: Given the inputs' elements, writes every element of the output; row-major order.
  ///   - backward: Given the inputs' elements, the output's gradient and, for each input that needs one,
  ///     a gradient of zeros to be filled; nil for the others. Called once, in the backward pass; the
  ///     inputs live until then.
  /// - Returns: Of the shape given.
  public static func custom(
    _ inputs: [Tensor], shape: Shape,
    forward: (
      _ inputs: [UnsafeBufferPointer<Float>], _ output: UnsafeMutableBufferPointer<Float>
    ) -> Void,
    backward:
      @escaping (
        _ inputs: [UnsafeBufferPointer<Float>], _ gradient: UnsafeBufferPointer<Float>,
        _ slopes: [UnsafeMutableBufferPointer<Float>?]
      ) -> Void
  ) -> Tensor {
    guard let workspace = inputs.first?.workspace else {
      preconditionFailure("an operation has at least one input")
    }
    precondition(
      inputs.allSatisfy { $0.workspace === workspace },
      "the inputs of an operation are of one workspace")
    let result = Tensor(uninitialized: shape, in: workspace)
    forward(
      inputs.map(\.readable), UnsafeMutableBufferPointer(start: result.pointer, count: shape.count))
    return result.recorded(inputs: inputs) { gradient in
      let slopes = inputs.map { input in
        input.requiresGradient ? Tensor(repeating: 0, shape: input.shape, in: workspace) : nil
      }
      backward(
        inputs.map(\.readable), gradient.readable,
        slopes.map { slope in
          slope.map { UnsafeMutableBufferPointer(start: $0.pointer, count: $0.count) }
        })
      for (input, slope) in zip(inputs, slopes) {
        if let slope { input.node?.passGradient(slope) }
      }
    }
  }

  private var readable: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: pointer, count: count)
  }
}
