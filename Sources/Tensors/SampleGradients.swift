// B samples, R rows, T positions of a sample.

import CLockstepKernels

/// The gradients of single samples of a batch, told apart by their squared norms, without any of them existing.
///
/// While a workspace has one, from before the forward pass on, a backward pass computes no gradients of parameters: a
/// linear layer says which squared norm each sample's gradient of it has, and keeps what it needs to add the gradients
/// up with a factor for each sample. Everything else that adds to a parameter's gradient makes it incomplete, and so
/// does a parameter that is used twice, since the norm of a sum is not made of norms.
///
/// I. Goodfellow, "Efficient Per-Example Gradient Computations", 2015; Z. Bu et al., "Differentially Private
/// Optimization on Large Model at Small Cost", 2023.
package final class SampleGradients {
  /// B.
  package let sampleCount: Int
  /// The squared norms over all layers so far, [B].
  package private(set) var squares: [Double]
  /// Whether all that was added to parameters' gradients is in `squares`.
  package private(set) var isComplete = true
  private var slots: Set<ObjectIdentifier> = []
  private var sums: [(_ factors: [Double]) -> Void] = []
  private var isSumming = false

  package init(sampleCount: Int) {
    self.sampleCount = sampleCount
    squares = [Double](repeating: 0, count: sampleCount)
  }

  /// Adds Σ factor · gradient to the gradients of the parameters, and forgets what was kept. To be called after the
  /// backward pass.
  ///
  /// - Parameter factors: [B].
  package func sum(times factors: [Double]) {
    precondition(isComplete && factors.count == sampleCount)
    isSumming = true
    // In the order in which a backward pass computes them.
    for sum in sums { sum(factors) }
    sums = []
  }

  /// An operation adds to a leaf's gradient in its own way.
  func noteGradient() { if !isSumming { isComplete = false } }

  /// Takes in a layer.
  ///
  /// - Parameters:
  ///   - parameters: Whose gradients it adds to.
  ///   - own: The squared norm of each sample's gradient of them.
  ///   - sum: Adds the gradients up.
  func add(
    _ parameters: [Node], squares own: [Double], sum: @escaping (_ factors: [Double]) -> Void
  ) {
    for parameter in parameters {
      if !slots.insert(ObjectIdentifier(parameter.gradient)).inserted { isComplete = false }
    }
    for sample in 0..<sampleCount { squares[sample] += own[sample] }
    sums.append(sum)
  }
}

extension Tensor {
  /// Rows of each of B samples, where the rows are those of samples one after the other; nil: they are not.
  private func rows(ofEach sampleCount: Int) -> Int? {
    let rows = shape.rows
    return shape.dimensions.first == sampleCount && rows > 0 ? rows / sampleCount : nil
  }

  /// The squared norms of the gradients of weight and bias of y = x W + b, for each sample.
  ///
  /// - Parameters:
  ///   - input: x, [B, ..., inputs], kept as floats as self is.
  ///   - hasWeight: Whether the weight is trained.
  ///   - hasBias: Whether the bias is.
  /// - Returns: [B]; nil where the samples can not be told apart.
  func linearSquares(
    input: Tensor, samples: Int, hasWeight: Bool, hasBias: Bool
  ) -> [Double]? {
    guard form == nil, input.form == nil, let positions = rows(ofEach: samples),
      input.rows(ofEach: samples) == positions
    else { return nil }
    let (inputs, outputs) = (input.shape.last, shape.last)
    var squares = [Double](repeating: 0, count: samples)
    if positions == 1 {
      squares.withUnsafeMutableBufferPointer { squares in
        let squares = squares.baseAddress
        workspace.threads.run(over: samples, grain: max(1, Grain.elementwise / (inputs + outputs)))
        {
          range in
          for sample in range {
            let slope = CKernels_sumSquares(pointer + sample * outputs, Int64(outputs))
            let value =
              hasWeight
              ? CKernels_sumSquares(input.pointer + sample * inputs, Int64(inputs)) : 0
            squares?[sample] = slope * (value + (hasBias ? 1 : 0))
          }
        }
      }
      return squares
    }
    // One sample's gradient at a time: its sums over positions have no shorter way to their norm.
    let weight = Tensor(uninitialized: [inputs, outputs], in: workspace)
    let bias = Tensor(uninitialized: [outputs], in: workspace)
    for sample in 0..<samples {
      let (x, dy) = (
        input.pointer + sample * positions * inputs, pointer + sample * positions * outputs
      )
      if hasWeight {
        workspace.products.multiply(
          Matrix(x, stride: inputs).transposed, Matrix(dy, stride: outputs),
          into: Matrix(weight.pointer, stride: outputs), rows: inputs, columns: outputs,
          inner: positions)
        squares[sample] += CKernels_sumSquares(weight.pointer, Int64(inputs * outputs))
      }
      if hasBias {
        CKernels_columnSums(
          dy, bias.pointer, Int64(positions), Int64(outputs), Int64(outputs), 0)
        squares[sample] += CKernels_sumSquares(bias.pointer, Int64(outputs))
      }
    }
    return squares
  }

  /// Each sample's rows times a factor of its own, rounded once.
  ///
  /// - Parameter factors: [B], for self [B, ...].
  func scaledSamples(by factors: [Double]) -> Tensor {
    let result = Tensor(uninitialized: shape, in: workspace)
    let length = count / factors.count
    workspace.threads.run(over: factors.count, grain: max(1, Grain.elementwise / length)) {
      for sample in $0 {
        let start = sample * length
        (result.pointer + start).update(repeating: 0, count: length)
        CKernels_addClipped(
          pointer + start, factors[sample], result.pointer + start, Int64(length))
      }
    }
    return result
  }
}
