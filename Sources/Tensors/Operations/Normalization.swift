import CLockstepKernels

extension Tensor {
  /// Layer norm of each row: (x - mean) / √(variance + ε) · weight + bias (Ba et al., 2016).
  ///
  /// - Parameters:
  ///   - weight: [D], for self [..., D].
  ///   - bias: [D].
  ///   - epsilon: Default: 1e-5.
  ///   - multipliesOnly: Whether the result is a factor of products and nothing else; see
  ///     `linear(weight:bias:layout:activation:multipliesOnly:for:)`. Default: false.
  public func layerNorm(
    weight: Tensor, bias: Tensor, epsilon: Float = 1e-5, multipliesOnly: Bool = false
  ) -> Tensor {
    let columns = shape.last
    precondition(
      weight.count == columns && bias.count == columns,
      "layerNorm: weight \(weight.shape) and bias \(bias.shape) do not fit rows of \(columns)")
    let statistics = Tensor(uninitialized: [2, shape.rows], in: workspace)
    let rows = shape.rows
    let result = normForward(multipliesOnly: multipliesOnly) { block, destination in
      CKernels_layerNormForward(
        pointer + block.lowerBound * columns, weight.pointer, bias.pointer, epsilon, destination,
        statistics.pointer + block.lowerBound, statistics.pointer + rows + block.lowerBound,
        Int64(block.count), Int64(columns))
    }
    return result.recorded(inputs: [self, weight, bias]) { gradient in
      self.normBackward(weight: weight, bias: bias) { block, dx, adds, weightSums, biasSums in
        let offset = block.lowerBound * columns
        CKernels_layerNormBackward(
          self.pointer + offset, weight.pointer, statistics.pointer + block.lowerBound,
          statistics.pointer + rows + block.lowerBound, gradient.pointer + offset, dx + offset,
          adds ? 1 : 0, weightSums, biasSums, Int64(block.count), Int64(columns))
      }
    }
  }

  /// RMS norm of each row: x / √(mean(x²) + ε) · weight (Zhang and Sennrich, 2019).
  ///
  /// - Parameters:
  ///   - weight: [D], for self [..., D].
  ///   - epsilon: Default: 1e-5.
  ///   - multipliesOnly: As for `layerNorm`. Default: false.
  public func rmsNorm(
    weight: Tensor, epsilon: Float = 1e-5, multipliesOnly: Bool = false
  ) -> Tensor {
    let columns = shape.last
    precondition(
      weight.count == columns, "rmsNorm: weight \(weight.shape) does not fit rows of \(columns)")
    let inverseRoots = Tensor(uninitialized: [shape.rows], in: workspace)
    let result = normForward(multipliesOnly: multipliesOnly) { block, destination in
      CKernels_rmsNormForward(
        pointer + block.lowerBound * columns, weight.pointer, epsilon, destination,
        inverseRoots.pointer + block.lowerBound, Int64(block.count), Int64(columns))
    }
    return result.recorded(inputs: [self, weight]) { gradient in
      self.normBackward(weight: weight, bias: nil) { block, dx, adds, weightSums, _ in
        let offset = block.lowerBound * columns
        CKernels_rmsNormBackward(
          self.pointer + offset, weight.pointer, inverseRoots.pointer + block.lowerBound,
          gradient.pointer + offset, dx + offset, adds ? 1 : 0, weightSums, Int64(block.count),
          Int64(columns))
      }
    }
  }

  /// Runs the forward kernel of a norm block by block, or where the result is rounded row by row.
  private func normForward(
    multipliesOnly: Bool,
    _ kernel: (_ rows: Range<Int>, _ destination: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let columns = shape.last
    let form = multipliesOnly ? workspace.products.format.factorForm : nil
    let result = Tensor(uninitialized: shape, form: form, in: workspace)
    RowBlocks(rows: shape.rows, columns: columns).run(on: workspace) { block, _ in
      guard form != nil else { return kernel(block, result.pointer + block.lowerBound * columns) }
      withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { memory in
        guard let floats = memory.baseAddress else { return }
        for row in block {
          kernel(row..<row + 1, floats)
          CKernels_roundToBfloat16(floats, result.roundedPointer + row * columns, Int64(columns))
        }
      }
    }
    return result
  }

  /// Runs the backward kernel of a norm block by block, then adds the blocks' sums for weight and
  /// bias in the order of the blocks.
  private func normBackward(
    weight: Tensor, bias: Tensor?,
    _ kernel: (
      _ rows: Range<Int>, _ inputGradient: UnsafeMutablePointer<Float>, _ adds: Bool,
      _ weightSums: UnsafeMutablePointer<Float>, _ biasSums: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    let columns = shape.last
    let blocks = RowBlocks(rows: shape.rows, columns: columns)
    // Of each block: the sums for the weight, then those for the bias.
    let sums = Tensor(uninitialized: [blocks.count, 2, columns], in: workspace)
    let scratch = requiresGradient ? nil : Tensor(uninitialized: shape, in: workspace)
    func runBlocks(dx: UnsafeMutablePointer<Float>, adds: Bool) {
      blocks.run(on: workspace) { block, index in
        let own = sums.pointer + index * 2 * columns
        kernel(block, dx, adds, own, own + columns)
      }
    }
    if let scratch { runBlocks(dx: scratch.pointer, adds: false) } else { addGradient(runBlocks) }
    for (parameter, offset) in [(weight, 0), (bias, columns)] {
      parameter?.addGradient { destination, adds in
        CKernels_columnSums(
          sums.pointer + offset, destination, Int64(blocks.count), Int64(columns),
          Int64(2 * columns), adds ? 1 : 0)
      }
    }
  }
}
