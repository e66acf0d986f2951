import CKernels

extension Tensor {
  /// The cross-entropy of a linear layer's softmax, summed over the rows: the head of a language
  /// model in one operation, computed in chunks of rows so that the logits of all tokens never
  /// exist at once.
  ///
  ///     -Σᵢ log softmax(xᵢ Wᵀ)[targetᵢ], in nats, over rows whose target is not negative
  ///
  /// Where the result is to be differentiated, the gradients are computed right away, while a
  /// chunk's logits are in memory: `backward()` may then be called on this sum, or on sums of such
  /// sums, but not on multiples of it.
  ///
  /// - Parameters:
  ///   - weight: [V, D], for self [..., D].
  ///   - targets: One for each row; negative ones are ignored.
  /// - Returns: A scalar.
  public func linearCrossEntropy(weight: Tensor, targets: Indices) -> Tensor {
    let (rows, width, classes) = (shape.rows, shape.last, weight.shape[0])
    precondition(
      weight.shape.rank == 2 && weight.shape[1] == width,
      "linearCrossEntropy: weight \(weight.shape) does not fit inputs \(shape)")
    precondition(
      targets.elements.count == rows,
      "linearCrossEntropy: \(targets.shape) targets for \(rows) rows")
    precondition(
      targets.elements.allSatisfy { $0 < classes }, "a target is not below \(classes) classes")
    let differentiates = workspace.isRecording && (requiresGradient || weight.requiresGradient)
    let losses = Tensor(uninitialized: [rows], in: workspace)
    let inputGradient = differentiates ? Tensor(uninitialized: shape, in: workspace) : nil
    let chunk = LogitChunks(rows: rows, classes: classes)
    let logits = Tensor(uninitialized: [chunk.height, classes], in: workspace)
    for range in chunk.ranges {
      let x = Matrix(pointer + range.lowerBound * width, stride: width)
      multiply(
        x, Matrix(weight.pointer, stride: width).transposed,
        into: Matrix(logits.pointer, stride: classes), rows: range.count, columns: classes,
        inner: width, adds: false, on: workspace.threads)
      targets.elements.withUnsafeBufferPointer { targets in
        guard let firstTarget = targets.baseAddress else { return }
        workspace.threads.run(over: range.count, grain: Grain.logitRows) { part in
          let row = range.lowerBound + part.lowerBound
          CKernels_crossEntropy(
            logits.pointer + part.lowerBound * classes, firstTarget + row, losses.pointer + row,
            differentiates ? 1 : 0, Int64(part.count), Int64(classes), Int64(classes))
        }
      }
      guard let inputGradient else { continue }
      let gradient = Matrix(logits.pointer, stride: classes)
      multiply(
        gradient, Matrix(weight.pointer, stride: width),
        into: Matrix(inputGradient.pointer + range.lowerBound * width, stride: width),
        rows: range.count, columns: width, inner: classes, adds: false, on: workspace.threads)
      weight.addGradient { destination, adds in
        multiply(
          gradient.transposed, x, into: Matrix(destination, stride: width), rows: classes,
          columns: width, inner: range.count, adds: adds, on: workspace.threads)
      }
    }
    let total = Tensor(uninitialized: [], in: workspace)
    total.pointer[0] = Float(losses.withElements { $0.reduce(0.0) { $0 + Double($1) } })
    guard let inputGradient else { return total }
    return total.recorded(inputs: [self, weight]) { [node] gradient in
      precondition(
        gradient.pointer[0] == 1,
        "linearCrossEntropy cannot be scaled after the fact: scale the optimiser's step instead")
      node?.passGradient(inputGradient)
    }
  }
}

/// Rows cut into chunks of about equal height whose logits take at most about 96 MiB.
private struct LogitChunks {
  let rows: Int
  let height: Int

  init(rows: Int, classes: Int) {
    self.rows = rows
    let most = max(64, (24 << 20) / classes)
    let count = max(1, (rows + most - 1) / most)
    height = max(1, min(rows, ((rows + count - 1) / count + 63) / 64 * 64))
  }

  var ranges: [Range<Int>] {
    stride(from: 0, to: rows, by: height).map { $0..<min(rows, $0 + height) }
  }
}
