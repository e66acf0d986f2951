// B sources, S positions of a source, N targets of each source, T positions of a target, D width,
// H heads, K head width.

import LockstepTensors

/// Multi-head attention of targets to sources: queries of the one, keys and values of the other.
public struct CrossAttention: Module {
  let queries: Linear
  let keys: Linear
  let values: Linear
  let output: Linear
  let heads: AttentionHeads
  let dropout: Float

  /// - Parameters:
  ///   - queries: From D to H · K.
  ///   - keys: From D to H · K.
  ///   - values: From D to H · K.
  ///   - output: From H · K to D.
  ///   - heads: H and K.
  ///   - dropout: The probability that a weight of attention is dropped in training. Default: 0.
  public init(
    queries: Linear, keys: Linear, values: Linear, output: Linear, heads: AttentionHeads,
    dropout: Double = 0
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.output = output
    self.heads = heads
    self.dropout = Float(dropout)
  }

  /// What is seen of sources: computed once for all targets.
  ///
  /// - Parameter states: The encoder's, [B, S, D].
  public func sourceKeys(of states: Tensor) -> SourceKeys {
    SourceKeys(keys: keys(states), values: values(states))
  }

  /// - Parameters:
  ///   - x: Source b's targets are b · N ..< (b + 1) · N, [B · N, T, D].
  ///   - source: Of B sources.
  ///   - mask: Which keys of its source each query sees, [B, N · T].
  ///   - addend: What the result is added to, [B · N, T, D]; nil for nothing. Default: nil.
  /// - Returns: [B · N, T, D].
  public func callAsFunction(
    _ x: Tensor, over source: SourceKeys, mask: AttentionMask, addedTo addend: Tensor? = nil
  ) -> Tensor {
    let sources = source.keys.shape[0]
    let asked = queries(x).reshaped(  // [B, N · T, H · K]
      to: [sources, x.shape.rows / sources, heads.queryColumns])
    let attended = split(asked).attend(
      keys: split(source.keys), values: split(source.values), mask: mask, dropout: dropout)
    return output(attended, addedTo: addend).reshaped(to: x.shape)  // [B · N, T, D]
  }

  /// - Parameter x: [B, T, H · K].
  private func split(_ x: Tensor) -> Heads {
    Heads(x, count: heads.count, width: heads.width)
  }
}

extension CrossAttention: MultiplyingBranch {
  public var multipliesOnly: Bool { queries.multipliesOnly }
}

/// The keys and values that cross-attention of one block finds in the sources.
public struct SourceKeys {
  /// [B, S, H · K].
  let keys: Tensor
  /// [B, S, H · K].
  let values: Tensor

  /// Those of some sources, in this order.
  public func selecting(_ sources: [Int]) -> SourceKeys {
    SourceKeys(keys: keys.selecting(sources), values: values.selecting(sources))
  }
}

extension Tensor {
  /// Some sequences, in this order: [n, T, D] of [B, T, D].
  fileprivate func selecting(_ sequences: [Int]) -> Tensor {
    let table = reshaped(to: [shape[0], shape.count / max(shape[0], 1)])
    let chosen = table.rows(at: Indices(sequences.map(Int32.init), shape: [sequences.count]))
    return chosen.reshaped(to: [sequences.count, shape[1], shape[2]])
  }
}
