import CLockstepKernels

extension Tensor {
  /// The quotient, element by element, of two tensors of one shape.
  ///
  /// Its slopes are 1 / b and -a / b². Division by zero gives what IEEE 754 says, infinity or NaN.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    left.requireSameShape(as: right, in: "/")
    let result = left.elementwise { range, output in
      let start = range.lowerBound
      CKernels_divide(
        left.pointer + start, right.pointer + start, output, Int64(range.count), 0)
    }
    return result.recorded(inputs: [left, right]) { gradient in
      left.addGradient { destination, adds in
        gradient.forEachRange { range in
          let start = range.lowerBound
          CKernels_divide(
            gradient.pointer + start, right.pointer + start, destination + start,
            Int64(range.count), adds ? 1 : 0)
        }
      }
      right.addGradient { destination, adds in
        gradient.forEachRange { range in
          let start = range.lowerBound
          CKernels_divideBackward(
            gradient.pointer + start, left.pointer + start, right.pointer + start,
            destination + start, Int64(range.count), adds ? 1 : 0)
        }
      }
    }
  }

  /// eˣ of each element x, which is clamped to -87.3 ... 88.3: nothing overflows.
  public func exp() -> Tensor {
    let result = elementwise { range, output in
      CKernels_exponential(pointer + range.lowerBound, output, Int64(range.count))
    }
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { gradient.multiplyElements(with: result, into: $0, adds: $1) }
    }
  }

  /// The natural logarithm of each element, computed in double precision and rounded: minus infinity
  /// of 0, NaN of what is negative. Its slope is 1 / x.
  public func log() -> Tensor {
    let result = elementwise { range, output in
      CKernels_logarithm(pointer + range.lowerBound, output, Int64(range.count))
    }
    return result.recorded(inputs: [self]) { gradient in
      self.addGradient { destination, adds in
        gradient.forEachRange { range in
          let start = range.lowerBound
          CKernels_divide(
            gradient.pointer + start, self.pointer + start, destination + start,
            Int64(range.count), adds ? 1 : 0)
        }
      }
    }
  }

  /// The mean of all elements, a scalar: `sum()` times 1 / count.
  public func mean() -> Tensor { sum() * (1 / Float(count)) }

  /// The mean over the innermost dimension. A row is summed in sixteen lanes, then their halves, and
  /// divided by D.
  ///
  /// - Returns: [...] for self [..., D].
  public func meanOverInnermost() -> Tensor {
    let (rows, width) = (shape.rows, shape.last)
    precondition(shape.rank > 0 && width > 0, "meanOverInnermost needs [..., D], not \(shape)")
    let outer = Shape(Array(shape.dimensions.dropLast()))
    let result = Tensor(uninitialized: outer, in: workspace)
    let grain = max(1, Grain.elementwise / width)
    workspace.threads.run(over: rows, grain: grain) { range in
      for row in range {
        result.pointer[row] = CKernels_sum(pointer + row * width, Int64(width)) / Float(width)
      }
    }
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { destination, adds in
        gradient.workspace.threads.run(over: rows, grain: grain) { range in
          for row in range {
            let slope = gradient.pointer[row] / Float(width)
            for place in row * width..<(row + 1) * width {
              destination[place] = adds ? destination[place] + slope : slope
            }
          }
        }
      }
    }
  }

  /// A tensor of this shape, filled range by range.
  private func elementwise(
    _ fill: (_ range: Range<Int>, _ output: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let result = Tensor(uninitialized: shape, in: workspace)
    forEachRange { fill($0, result.pointer + $0.lowerBound) }
    return result
  }

  /// Shares out all elements among the threads.
  private func forEachRange(_ body: (Range<Int>) -> Void) {
    workspace.threads.run(over: count, grain: Grain.transcendental, body)
  }
}
