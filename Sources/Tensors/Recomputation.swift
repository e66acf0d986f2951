extension Tensor {
  /// Applies a part of a network and keeps none of its activations: they are computed again in the
  /// backward pass (T. Chen et al., "Training deep nets with sublinear memory cost", 2016).
  ///
  ///     x = x.recomputing { block($0) }
  ///
  /// Between forward and backward only self is kept. It costs a second forward pass of this part,
  /// and changes no bit: dropout draws the same masks again, and gradients are added up in the same
  /// order as without. Where nothing is recorded, it is `body(self)`. Calls may be nested.
  ///
  /// An observer sees each value once, in the forward pass, and each gradient.
  ///
  /// - Parameter body: A function of its argument, of parameters and of tensors that do not change;
  ///   called twice when the result is differentiated. A head with its loss (`linearCrossEntropy`)
  ///   belongs outside: it computes its gradients in the forward pass.
  /// - Returns: What `body` returns. It asks for a gradient whether or not something in `body` does.
  public func recomputing(_ body: @escaping (Tensor) -> Tensor) -> Tensor {
    guard workspace.isRecording else { return body(self) }
    let circumstances = workspace.circumstances
    let result = workspace.withoutRecording { body(self) }
    return result.recorded(recomputing: { [workspace] in
      workspace.recording(again: circumstances) { body(self) }
    })
  }
}
