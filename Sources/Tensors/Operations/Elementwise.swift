import CLockstepKernels

extension Tensor {
  /// The sum, element by element, of two tensors of one shape.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    left.requireSameShape(as: right, in: "+")
    let result = Tensor(uninitialized: left.shape, in: left.workspace)
    left.workspace.threads.run(over: left.count, grain: Grain.elementwise) { range in
      let start = range.lowerBound
      CKernels_add(
        left.pointer + start, right.pointer + start, result.pointer + start, Int64(range.count))
    }
    return result.recorded(inputs: [left, right]) { [left = left.node, right = right.node] in
      left?.passGradient($0)
      right?.passGradient($0)
    }
  }

  /// The difference, element by element, of two tensors of one shape.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    left + right * -1
  }

  /// The product, element by element, of two tensors of one shape.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    left.requireSameShape(as: right, in: "*")
    let result = Tensor(uninitialized: left.shape, in: left.workspace)
    left.multiplyElements(with: right, into: result.pointer, adds: false)
    return result.recorded(inputs: [left, right]) { gradient in
      left.addGradient { gradient.multiplyElements(with: right, into: $0, adds: $1) }
      right.addGradient { gradient.multiplyElements(with: left, into: $0, adds: $1) }
    }
  }

  /// Each element times a number.
  public static func * (left: Tensor, scale: Float) -> Tensor {
    let result = Tensor(uninitialized: left.shape, in: left.workspace)
    left.scaleElements(by: scale, into: result.pointer, adds: false)
    return result.recorded(inputs: [left]) { [node = left.node] gradient in
      node?.addGradient { gradient.scaleElements(by: scale, into: $0, adds: $1) }
    }
  }

  /// The sum of all elements, a scalar. Each block of 65,536 elements is summed by itself, then
  /// the blocks in order, in Double.
  public func sum() -> Tensor {
    let result = Tensor(uninitialized: [], in: workspace)
    let blockSize = 65_536
    var total = 0.0
    for start in stride(from: 0, to: count, by: blockSize) {
      total += Double(CKernels_sum(pointer + start, Int64(min(blockSize, count - start))))
    }
    result.pointer[0] = Float(total)
    return result.recorded(inputs: [self]) { [node, count] gradient in
      let value = gradient.pointer[0]
      node?.addGradient { destination, adds in
        for index in 0..<count {
          destination[index] = adds ? destination[index] + value : value
        }
      }
    }
  }

  /// The same elements under another shape of as many elements. Nothing is copied.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.count == count, "\(self.shape) cannot be read as \(shape)")
    let result = Tensor(shape: shape, workspace: workspace, buffer: buffer)
    return result.recorded(inputs: [self]) { [node] in node?.passGradient($0) }
  }

  /// One row of the innermost dimension, [1, last], copied and not differentiated.
  ///
  /// - Parameter index: In 0 ..< `shape.rows`.
  public func row(_ index: Int) -> Tensor {
    precondition(0..<shape.rows ~= index, "row \(index) is not in \(shape)")
    precondition(!workspace.isRecording || !requiresGradient, "row(_:) cannot be differentiated")
    let row = Tensor(uninitialized: [1, shape.last], in: workspace)
    row.pointer.update(from: pointer + index * shape.last, count: shape.last)
    return row
  }

  /// Shows this tensor, and later its gradient, to the workspace's observer if there is one.
  ///
  /// - Parameter name: What the observer is told; evaluated only where there is an observer.
  public func observed(as name: @autoclosure () -> String) -> Tensor {
    guard let observer = workspace.observer else { return self }
    let name = name()
    let shape = shape
    withElements { observer.forward(name, $0, shape: shape) }
    let result = Tensor(shape: shape, workspace: workspace, buffer: buffer)
    return result.recorded(inputs: [self]) { [node] gradient in
      gradient.withElements { observer.backward(name, $0, shape: shape) }
      node?.passGradient(gradient)
    }
  }

  func requireSameShape(as other: Tensor, in operation: String) {
    precondition(
      shape == other.shape, "\(operation): shapes \(shape) and \(other.shape) differ")
  }

  /// Their product goes to `destination`, which may be the memory of either.
  func multiplyElements(
    with other: Tensor, into destination: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    workspace.threads.run(over: count, grain: Grain.elementwise) { range in
      let start = range.lowerBound
      CKernels_multiply(
        pointer + start, other.pointer + start, destination + start, Int64(range.count),
        adds ? 1 : 0)
    }
  }

  private func scaleElements(
    by scale: Float, into destination: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    workspace.threads.run(over: count, grain: Grain.elementwise) { range in
      let start = range.lowerBound
      if adds {
        CKernels_accumulateScaled(
          pointer + start, scale, destination + start, Int64(range.count))
      } else {
        CKernels_scale(pointer + start, scale, destination + start, Int64(range.count))
      }
    }
  }
}
