extension Tensor {
  /// A loss that is a sum over pairs of an output and a target: what the losses in this folder
  /// share that compare element by element.
  ///
  /// Terms are added in the order of the elements, in Double.
  ///
  /// - Parameters:
  ///   - targets: Of this tensor's shape; not differentiated.
  ///   - term: The loss of one output and target, and its derivative by the output.
  /// - Returns: A scalar.
  func summedLoss(
    against targets: Tensor,
    _ term: (_ output: Double, _ target: Double) -> (loss: Double, slope: Double)
  ) -> Tensor {
    precondition(
      targets.shape == shape, "a loss of outputs \(shape) against targets \(targets.shape)")
    let slopes = Tensor(uninitialized: shape, in: workspace)
    var sum = 0.0
    for index in 0..<count {
      let (loss, slope) = term(Double(pointer[index]), Double(targets.pointer[index]))
      sum += loss
      slopes.pointer[index] = Float(slope)
    }
    return Tensor([Float(sum)], shape: [], in: workspace).recordedLoss(of: self, slopes: slopes)
  }

  /// Records this scalar as a loss whose derivative by each output is known already.
  ///
  /// - Parameters:
  ///   - outputs: What the loss was computed from.
  ///   - slopes: The derivatives, of the outputs' shape.
  func recordedLoss(of outputs: Tensor, slopes: Tensor) -> Tensor {
    recorded(inputs: [outputs]) { [node = outputs.node] gradient in
      let scale = gradient.pointer[0]
      node?.addGradient { destination, adds in
        for index in 0..<slopes.count {
          let slope = scale * slopes.pointer[index]
          destination[index] = adds ? destination[index] + slope : slope
        }
      }
    }
  }
}
