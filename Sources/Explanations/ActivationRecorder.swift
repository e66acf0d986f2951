import LockstepTensors

/// Keeps what passes through the named layers of a network, the gradients, and what attention looks
/// at.
public final class ActivationRecorder: AttentionObserver {
  /// What layers gave, in the order of the forward pass.
  public private(set) var layers: [(name: String, values: Tensor)] = []
  /// Of the layers' outputs, by name; there after `backward()`.
  public private(set) var gradients: [String: [Float]] = [:]
  /// What each query gives to each key, [B, H, T, S], under the name of the layer that attends; in
  /// the order of the forward pass.
  public private(set) var attention: [(name: String, probabilities: Tensor)] = []

  private let workspace: Workspace
  /// Shown, but its layer's name is yet to come.
  private var unnamed: Tensor?

  fileprivate init(in workspace: Workspace) { self.workspace = workspace }

  /// The output of the layer of this name; nil where there was none.
  public func values(of name: String) -> Tensor? { layers.first { $0.name == name }?.values }

  public func attention(_ probabilities: Tensor) { unnamed = probabilities }

  public func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
    layers.append((name, Tensor(Array(values), shape: shape, in: workspace)))
    if let unnamed { attention.append((name, unnamed)) }
    unnamed = nil
  }

  public func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {
    gradients[name] = Array(gradient)
  }
}

extension Workspace {
  /// Runs `body` and keeps what passes through the layers meanwhile, in both directions.
  public func withRecorder<Result>(
    _ body: (ActivationRecorder) throws -> Result
  ) rethrows -> Result {
    let recorder = ActivationRecorder(in: self)
    observer = recorder
    defer { observer = nil }
    return try body(recorder)
  }
}

extension ActivationRecorder {
  /// The states of a `LayeredModel` before its first block and after each: "embedding" and
  /// "block 0 output" become "embedding" and "block 0"; of an encoder-decoder those of the decoder.
  var states: [(name: String, values: Tensor)] {
    layers.compactMap { name, values in
      if ["embedding", "target embedding"].contains(name) { return ("embedding", values) }
      guard name.hasPrefix("block ") || name.hasPrefix("decoder block "),
        name.hasSuffix(" output")
      else { return nil }
      return (String(name.dropLast(" output".count)), values)
    }
  }

  /// The maps of each attention layer, its name without " attention".
  var attentionLayers: [AttentionLayer] {
    attention.map { name, probabilities in
      AttentionLayer(
        name: name.hasSuffix(" attention") ? String(name.dropLast(" attention".count)) : name,
        probabilities: probabilities)
    }
  }
}
