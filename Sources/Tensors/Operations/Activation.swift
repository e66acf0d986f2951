import CLockstepKernels

/// An elementwise nonlinearity.
public enum Activation: Sendable, Hashable {
  /// x Φ(x), Φ the standard normal distribution function: GELU (Hendrycks and Gimpel, 2016), as
  /// BERT uses it.
  case gelu
  /// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))): the tanh approximation of GELU, as GPT-2
  /// uses it.
  case geluTanh
  /// max(0, x).
  case relu
  /// x where positive, else slope · x. PyTorch's default slope is 0.01.
  case leakyRelu(slope: Float)
  /// x / (1 + e⁻ˣ), also called swish.
  case silu
  /// The hyperbolic tangent.
  case tanh

  package var kind: CKernels_Activation {
    switch self {
    case .gelu: CKernels_gelu
    case .geluTanh: CKernels_geluTanh
    case .relu: CKernels_relu
    case .leakyRelu: CKernels_leakyRelu
    case .silu: CKernels_silu
    case .tanh: CKernels_tanh
    }
  }

  package var slope: Float {
    if case .leakyRelu(let slope) = self { slope } else { 0 }
  }

  /// The activations of `sum`, whose memory then holds their slopes.
  ///
  /// - Parameter form: How the activations are kept; floats, or bfloat16.
  func againWithSlope(inPlaceOf sum: Tensor, form: CompactForm?) -> Tensor {
    let result = Tensor(uninitialized: sum.shape, form: form, in: sum.workspace)
    sum.workspace.threads.run(over: sum.count, grain: Grain.transcendental) { range in
      let (start, count) = (range.lowerBound, Int64(range.count))
      if form == nil {
        CKernels_activationAndSlope(
          kind, slope, sum.pointer + start, result.pointer + start, count)
      } else {
        CKernels_activationAndSlopeRounded(
          kind, slope, sum.pointer + start, result.roundedPointer + start, count)
      }
    }
    return result
  }

  fileprivate func backward(
    of gradient: Tensor, at input: Tensor, into destination: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    gradient.workspace.threads.run(over: input.count, grain: Grain.transcendental) { range in
      let start = range.lowerBound
      CKernels_activationBackward(
        kind, slope, input.pointer + start, gradient.pointer + start, destination + start,
        Int64(range.count), adds ? 1 : 0)
    }
  }
}

extension Tensor {
  /// The activation of each element; the same shape.
  public func activated(by activation: Activation) -> Tensor {
    let result = Tensor(uninitialized: shape, in: workspace)
    workspace.threads.run(over: count, grain: Grain.transcendental) { range in
      CKernels_activationForward(
        activation.kind, activation.slope, pointer + range.lowerBound,
        result.pointer + range.lowerBound, Int64(range.count))
    }
    return result.recorded(inputs: [self]) { gradient in
      self.addGradient { destination, adds in
        activation.backward(of: gradient, at: self, into: destination, adds: adds)
      }
    }
  }

  /// SwiGLU: silu(self) · up, elementwise (Shazeer, "GLU variants improve Transformer", 2020).
  ///
  /// - Parameters:
  ///   - up: Of the same shape.
  ///   - multipliesOnly: Whether the result is a factor of products and nothing else; see
  ///     `linear(weight:bias:layout:activation:multipliesOnly:for:)`. Default: false.
  public func swiglu(_ up: Tensor, multipliesOnly: Bool = false) -> Tensor {
    precondition(up.shape == shape, "swiglu: shapes \(shape) and \(up.shape) differ")
    let form = multipliesOnly ? workspace.products.format.factorForm : nil
    let result = Tensor(uninitialized: shape, form: form, in: workspace)
    workspace.threads.run(over: count, grain: Grain.transcendental) { range in
      let (start, count) = (range.lowerBound, Int64(range.count))
      if form == nil {
        CKernels_swigluForward(pointer + start, up.pointer + start, result.pointer + start, count)
      } else {
        CKernels_swigluRounded(
          pointer + start, up.pointer + start, result.roundedPointer + start, count)
      }
    }
    return result.recorded(inputs: [self, up]) { gradient in
      self.addGradientPair(up) { gate, gateAdds, upper, upperAdds in
        gradient.workspace.threads.run(over: gradient.count, grain: Grain.transcendental) { range in
          let start = range.lowerBound
          CKernels_swigluBackward(
            self.pointer + start, up.pointer + start, gradient.pointer + start, gate + start,
            upper + start, Int64(range.count), gateAdds ? 1 : 0, upperAdds ? 1 : 0)
        }
      }
    }
  }

  /// Adds to two gradients in one pass; where only one is wanted, the other goes to scratch.
  private func addGradientPair(
    _ other: Tensor,
    _ write: (UnsafeMutablePointer<Float>, Bool, UnsafeMutablePointer<Float>, Bool) -> Void
  ) {
    precondition(self !== other, "swiglu: the gate and the factor are the same tensor")
    let scratch =
      requiresGradient && other.requiresGradient
      ? nil : Tensor(uninitialized: shape, in: workspace)
    if let scratch {
      addGradient { write($0, $1, scratch.pointer, false) }
      other.addGradient { write(scratch.pointer, false, $0, $1) }
    } else {
      addGradient { mine, mineAdds in
        other.addGradient { theirs, theirsAdds in write(mine, mineAdds, theirs, theirsAdds) }
      }
    }
  }
}
