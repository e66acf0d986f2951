// B sequences, T positions, D width, F feed-forward width.

import LockstepTensors

/// The feed-forward part of a block: output(activation(expansion(x))), or gated,
/// output(activation(gate(x)) · expansion(x)) (Shazeer, "GLU variants improve Transformer", 2020).
public struct FeedForward: Module {
  let gate: Linear?
  let expansion: Linear
  let output: Linear
  /// The activation of the gate.
  private let gateActivation: Activation

  /// Two linear layers.
  ///
  /// - Parameters:
  ///   - expansion: From D to F, with its activation.
  ///   - output: From F to D.
  public init(_ expansion: Linear, output: Linear) {
    gate = nil
    self.expansion = expansion
    self.output = output
    gateActivation = .silu
  }

  /// Three linear layers, of which one lets through what the other gives.
  ///
  /// - Parameters:
  ///   - gate: From D to F, without an activation.
  ///   - expansion: From D to F, without an activation.
  ///   - output: From F to D.
  ///   - activation: Of the gate. Default: SiLU, which makes it SwiGLU.
  public init(gate: Linear, expansion: Linear, output: Linear, activation: Activation = .silu) {
    self.gate = gate
    self.expansion = expansion
    self.output = output
    gateActivation = activation
  }

  /// Between the layers nothing is kept for the backward pass that is cheap to compute again.
  ///
  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - addend: What the result is added to, [B, T, D]; nil for nothing. Default: nil.
  /// - Returns: [B, T, D].
  public func callAsFunction(_ x: Tensor, addedTo addend: Tensor? = nil) -> Tensor {
    guard let gate else { return expansion(x, then: output, addedTo: addend) }
    let factor = expansion(x)  // [B, T, F]
    return gate(x).recomputing(
      { gated in
        gateActivation == .silu
          ? gated.swiglu(factor, multipliesOnly: output.multipliesOnly)
          : gated.activated(by: gateActivation) * factor
      }, for: { output($0, addedTo: addend) })
  }
}

extension FeedForward: MultiplyingBranch {
  public var multipliesOnly: Bool {
    expansion.multipliesOnly && (gate?.multipliesOnly ?? true)
  }
}
