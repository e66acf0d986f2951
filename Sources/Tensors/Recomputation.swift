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
  /// An observer sees each value once, in the forward pass, and each gradient. Other operations of the
  /// workspace save memory from then on, too, where they can and no bit changes.
  ///
  /// - Parameter body: A function of its argument, of parameters and of tensors that do not change;
  ///   called twice when the result is differentiated. A head with its loss (`linearCrossEntropy`)
  ///   belongs outside: it computes its gradients in the forward pass.
  /// - Returns: What `body` returns. It asks for a gradient whether or not something in `body` does.
  public func recomputing(_ body: @escaping (Tensor) -> Tensor) -> Tensor {
    workspace.savesMemory = true
    guard workspace.isRecording else { return body(self) }
    let circumstances = workspace.circumstances
    let (result, leaves) = workspace.notingUses { workspace.withoutRecording { body(self) } }
    let own = node.flatMap { $0.origin == nil ? $0.gradient : nil }
    return result.recorded(using: leaves + (own.map { [$0] } ?? [])) { [workspace] in
      workspace.recording(again: circumstances) { body(self) }
    }
  }

  /// Applies two parts of a network one after the other without keeping what goes from the first to
  /// the second: only the first is computed again, just before the backward pass of the second.
  ///
  ///     let projected = x.recomputing({ norm($0) }, for: { projection($0) })
  ///
  /// It pays where the first part is cheap and its output large, such as a norm before a linear
  /// layer, which keeps its input for the gradient of its weight. No bit changes. Outputs that take less than
  /// 2 MiB are kept: they are not worth a pass.
  ///
  /// - Parameters:
  ///   - first: As `body` of `recomputing(_:)`.
  ///   - second: Uses its argument in operations, and does not hand it on as it is.
  /// - Returns: What `second` returns.
  public func recomputing(
    _ first: @escaping (Tensor) -> Tensor, for second: (Tensor) -> Tensor
  ) -> Tensor {
    let circumstances = workspace.circumstances
    let intermediate = first(self)
    let result = second(intermediate)
    guard result.requiresGradient, intermediate.memory.count >= Self.smallestReleased,
      result.buffer !== intermediate.memory
    else { return result }
    intermediate.releaseElements()
    // Recorded after the second part, so its turn in the backward pass comes before.
    return result.recorded(inputs: [result]) { [workspace, node = result.node] gradient in
      intermediate.restoreElements(
        from: workspace.recording(again: circumstances) {
          workspace.withoutRecording { first(self) }
        })
      node?.passGradient(gradient)
    }
  }

  /// Floats whose memory the smallest intermediate takes that is worth computing twice.
  static let smallestReleased = 1 << 19
}
