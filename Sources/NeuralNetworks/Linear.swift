import LockstepTensors

/// An affine map with an optional activation: activation(x W + b).
public struct Linear: Module {
  /// [outputs, inputs], or [inputs, outputs] for `.inputsByOutputs`.
  public let weight: Parameter
  /// [outputs].
  public let bias: Parameter?
  public let layout: WeightLayout
  public let activation: Activation?

  /// - Parameters:
  ///   - inputs: The innermost extent of what comes in.
  ///   - outputs: The innermost extent of what goes out.
  ///   - hasBias: Default: true.
  ///   - layout: How the weight is stored. Default: `.outputsByInputs`, PyTorch's.
  ///   - activation: Default: none.
  ///   - initializer: Of the weight. Default: PyTorch's, uniform with bound 1 / √inputs.
  ///   - biasInitializer: Default: the same.
  public init(
    inputs: Int, outputs: Int, hasBias: Bool = true, layout: WeightLayout = .outputsByInputs,
    activation: Activation? = nil, initializer: Initializer? = nil,
    biasInitializer: Initializer? = nil
  ) {
    let standard = Initializer.linearDefault(inputs: inputs)
    weight = Parameter(
      layout == .outputsByInputs ? [outputs, inputs] : [inputs, outputs],
      initializer: initializer ?? standard, layout: layout)
    bias = hasBias ? Parameter([outputs], initializer: biasInitializer ?? standard) : nil
    self.layout = layout
    self.activation = activation
    weight.isOfLinearLayer = true
    weight.canBeCompact = true
  }

  /// - Parameters:
  ///   - x: [..., inputs].
  ///   - addend: What the output is added to, of as many elements; nil for nothing. Default: nil.
  /// - Returns: [..., outputs].
  public func callAsFunction(_ x: Tensor, addedTo addend: Tensor? = nil) -> Tensor {
    if weight.activeAdapter == nil && activation == nil {
      return x.linear(
        weight: weight.tensor, bias: bias?.tensor, layout: layout, addedTo: addend)
    }
    let output = output(for: x)
    return addend.map { $0.reshaped(to: output.shape) + output } ?? output
  }

  private func output(for x: Tensor) -> Tensor {
    guard let adapter = weight.activeAdapter else {
      return x.linear(
        weight: weight.tensor, bias: bias?.tensor, layout: layout, activation: activation)
    }
    let sum = adapter.output(of: self, for: x)
    return activation.map(sum.activated) ?? sum
  }

  /// The layer and the one after it. Large activations in between are not kept, but computed again in
  /// the backward pass; where products round them to bfloat16, they never exist as floats.
  ///
  /// - Parameters:
  ///   - x: [..., inputs].
  ///   - next: From `outputs` to whatever it gives.
  ///   - addend: What its output is added to; nil for nothing. Default: nil.
  /// - Returns: What `next` returns.
  public func callAsFunction(
    _ x: Tensor, then next: Linear, addedTo addend: Tensor? = nil
  ) -> Tensor {
    guard let activation else { return next(self(x), addedTo: addend) }
    if let adapter = weight.activeAdapter {
      return adapter.output(of: self, for: x)
        .recomputing({ $0.activated(by: activation) }, for: { next($0, addedTo: addend) })
    }
    return x.linear(
      weight: weight.tensor, bias: bias?.tensor, layout: layout, activation: activation,
      multipliesOnly: next.multipliesOnly, for: { next($0, addedTo: addend) })
  }

  /// Whether its input is a factor of products and nothing else; an adapter may drop elements of it.
  public var multipliesOnly: Bool { weight.activeAdapter == nil }
}
