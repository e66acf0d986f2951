// r rank, O outputs, I inputs.

import CLockstepKernels

/// A weight with a change of low rank: W + scale · U D (Hu et al., "LoRA", 2021, section 4.1), each output
/// of it stretched to a length of its own where `magnitude` is given (Liu et al., "DoRA", 2024, equation 5).
public struct LowRankChange {
  /// D, [r, I].
  public let down: Tensor
  /// U, [O, r].
  public let up: Tensor
  public let scale: Float
  /// Lengths of the changed weight's outputs, [O]; nil leaves them.
  public let magnitude: Tensor?

  /// - Parameters:
  ///   - down: D, [r, I].
  ///   - up: U, [O, r].
  ///   - scale: Factor on the change.
  ///   - magnitude: [O], or nil. Default: nil.
  public init(down: Tensor, up: Tensor, scale: Float, magnitude: Tensor? = nil) {
    precondition(
      down.shape.rank == 2 && up.shape.rank == 2 && down.shape[0] == up.shape[1],
      "a change of low rank of \(down.shape) and \(up.shape)")
    self.down = down
    self.up = up
    self.scale = scale
    self.magnitude = magnitude
  }

  private var rank: Int { down.shape[0] }
  private var inputs: Int { down.shape[1] }
  private var outputs: Int { up.shape[0] }

  /// What the change adds to x Wᵀ: scale · x Dᵀ Uᵀ.
  ///
  /// - Parameter x: [..., I].
  /// - Returns: [..., O].
  public func added(for x: Tensor) -> Tensor {
    (x.linear(weight: down) * scale).linear(weight: up)
  }

  /// The changed weight without its lengths, W + scale · U D, [O, I]; not differentiated.
  private func direction(of weight: Tensor, _ layout: WeightLayout) -> Tensor {
    let weight = weight.whole
    let result = Tensor(uninitialized: [outputs, inputs], in: weight.workspace)
    weight.workspace.products.multiply(
      Matrix(up.pointer, stride: rank), Matrix(down.pointer, stride: inputs),
      into: Matrix(result.pointer, stride: inputs), rows: outputs, columns: inputs, inner: rank)
    let (row, column) = layout == .outputsByInputs ? (inputs, 1) : (1, outputs)
    weight.workspace.threads.run(over: outputs, grain: max(1, Grain.elementwise / inputs)) { rows in
      for output in rows {
        for input in 0..<inputs {
          let place = output * inputs + input
          result.pointer[place] =
            weight.pointer[output * row + input * column] + scale * result.pointer[place]
        }
      }
    }
    return result
  }

  /// The length of each output's weights in W + scale · U D, [O]; not differentiated, as the paper has it
  /// (section 4.3). Squares are summed as `CKernels_sumSquares` does, in double precision.
  ///
  /// - Parameters:
  ///   - weight: W, [O, I] or [I, O], as `layout` says.
  ///   - layout: Of W.
  public func lengths(of weight: Tensor, _ layout: WeightLayout) -> Tensor {
    lengths(ofRows: direction(of: weight, layout))
  }

  private func lengths(ofRows matrix: Tensor) -> Tensor {
    let lengths = Tensor(uninitialized: [outputs], in: matrix.workspace)
    for output in 0..<outputs {
      let squares = CKernels_sumSquares(matrix.pointer + output * inputs, Int64(inputs))
      lengths.pointer[output] = Float(squares.squareRoot())
    }
    return lengths
  }

  /// What each output of W + scale · U D is divided by to have length 1, [O]: its length, or infinity for weights
  /// that are all zero, which have no direction that could be stretched; not differentiated.
  ///
  /// - Parameters:
  ///   - weight: W, [O, I] or [I, O], as `layout` says.
  ///   - layout: Of W.
  public func divisors(of weight: Tensor, _ layout: WeightLayout) -> Tensor {
    divisors(ofRows: direction(of: weight, layout))
  }

  private func divisors(ofRows matrix: Tensor) -> Tensor {
    let divisors = lengths(ofRows: matrix)
    for output in 0..<outputs where divisors.pointer[output] == 0 {
      divisors.pointer[output] = .infinity
    }
    return divisors
  }

  /// The weight with the change in it, in the layout of the weight; not differentiated.
  ///
  /// - Parameters:
  ///   - weight: W, [O, I] or [I, O], as `layout` says.
  ///   - layout: Of W.
  public func merged(into weight: Tensor, _ layout: WeightLayout) -> Tensor {
    let changed = direction(of: weight, layout)
    if let magnitude {
      let divisors = divisors(ofRows: changed)
      for output in 0..<outputs {
        let factor = magnitude.pointer[output] / divisors.pointer[output]
        for place in output * inputs..<(output + 1) * inputs { changed.pointer[place] *= factor }
      }
    }
    guard layout == .inputsByOutputs else { return changed }
    let result = Tensor(uninitialized: [inputs, outputs], in: weight.workspace)
    for output in 0..<outputs {
      for input in 0..<inputs {
        result.pointer[input * outputs + output] = changed.pointer[output * inputs + input]
      }
    }
    return result
  }
}

extension Tensor {
  /// Each column times a number of its own: y[..., o] = x[..., o] · factors[o].
  ///
  /// The gradient of the factors adds up the rows in their order.
  ///
  /// - Parameter factors: [O].
  /// - Returns: [..., O] for self [..., O].
  public func scaledColumns(by factors: Tensor) -> Tensor {
    let (rows, columns) = (shape.rows, shape.last)
    precondition(factors.count == columns, "scaledColumns: \(shape) by \(factors.shape)")
    let result = Tensor(uninitialized: shape, in: workspace)
    scaleColumns(by: factors, into: result.pointer, adds: false)
    return result.recorded(inputs: [self, factors]) { gradient in
      self.addGradient { gradient.scaleColumns(by: factors, into: $0, adds: $1) }
      factors.addGradient { slopes, adds in
        let products = Tensor(uninitialized: self.shape, in: self.workspace)
        gradient.multiplyElements(with: self, into: products.pointer, adds: false)
        CKernels_columnSums(
          products.pointer, slopes, Int64(rows), Int64(columns), Int64(columns), adds ? 1 : 0)
      }
    }
  }

  private func scaleColumns(
    by factors: Tensor, into destination: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    let columns = shape.last
    workspace.threads.run(over: shape.rows, grain: max(1, Grain.elementwise / columns)) { rows in
      for row in rows {
        let start = row * columns
        CKernels_multiply(
          pointer + start, factors.pointer, destination + start, Int64(columns), adds ? 1 : 0)
      }
    }
  }

  /// Each row plus the same numbers: y[..., o] = x[..., o] + bias[o].
  ///
  /// - Parameter bias: [O].
  /// - Returns: [..., O] for self [..., O].
  public func addingToRows(_ bias: Tensor) -> Tensor {
    let (rows, columns) = (shape.rows, shape.last)
    precondition(bias.count == columns, "addingToRows: \(shape) and \(bias.shape)")
    let result = Tensor(uninitialized: shape, in: workspace)
    workspace.threads.run(over: rows, grain: max(1, Grain.elementwise / columns)) { range in
      for row in range {
        let start = row * columns
        CKernels_add(pointer + start, bias.pointer, result.pointer + start, Int64(columns))
      }
    }
    return result.recorded(inputs: [self, bias]) { [node] gradient in
      node?.passGradient(gradient)
      bias.addGradient { slopes, adds in
        CKernels_columnSums(
          gradient.pointer, slopes, Int64(rows), Int64(columns), Int64(columns), adds ? 1 : 0)
      }
    }
  }
}
