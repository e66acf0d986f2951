// B sequences, T positions, D width, H heads, G heads of keys and values, K head width.

import LockstepTensors

/// Multi-head attention of a sequence to itself (Vaswani et al., 2017): softmax(Q Kᵀ / √K) V of
/// projections of the input, and an output projection.
public struct SelfAttention: Module {
  let projections: any AttentionProjections
  let queryNorm: RMSNorm?
  let keyNorm: RMSNorm?
  let output: Linear
  let heads: AttentionHeads
  let rotary: RotaryFrequencies?
  let dropout: Float

  public static let checkpointNames = ["projections": ""]

  /// - Parameters:
  ///   - projections: From D to queries, keys and values.
  ///   - output: From H · K to D.
  ///   - heads: H, G and K.
  ///   - rotary: Turns queries and keys by their positions (Su et al., 2021). Default: none.
  ///   - queryNorm: Of each head's queries, [K]; for projections that are not joint. Default: none.
  ///   - keyNorm: Of each head's keys, [K]; as above. Default: none.
  ///   - dropout: The probability that a weight of attention is dropped in training. Default: 0.
  public init(
    _ projections: any AttentionProjections, output: Linear, heads: AttentionHeads,
    rotary: RotaryFrequencies? = nil, queryNorm: RMSNorm? = nil, keyNorm: RMSNorm? = nil,
    dropout: Double = 0
  ) {
    self.projections = projections
    self.output = output
    self.heads = heads
    self.rotary = rotary
    self.queryNorm = queryNorm
    self.keyNorm = keyNorm
    self.dropout = Float(dropout)
  }

  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - mask: Which positions each one sees; of sequences that have different numbers of earlier ones,
  ///     each sees its own.
  ///   - cache: Holds the earlier positions and gains these; nil for whole sequences. Default: nil.
  ///   - addend: What the result is added to, [B, T, D]; nil for nothing. Default: nil.
  /// - Returns: [B, T, D].
  public func callAsFunction(
    _ x: Tensor, mask: AttentionMask, cache: AttentionCache? = nil, addedTo addend: Tensor? = nil
  ) -> Tensor {
    var (projected, starts, mask) = (projections(x, heads: heads), [0], mask)
    if let cache {
      starts = cache.isEven ? [cache.positions] : cache.filled
      if !cache.isEven { mask = cache.ranges(of: x.shape[1]) }
    }
    projected.queries = placed(projected.queries, norm: queryNorm, from: starts)
    projected.keys = placed(projected.keys, norm: keyNorm, from: starts)
    if let cache {
      (projected.keys, projected.values) = cache.append(
        keys: projected.keys, values: projected.values)
    }
    return output(
      projected.queries.attend(  // [B, T, H · K]
        keys: projected.keys, values: projected.values, mask: mask, dropout: dropout),
      addedTo: addend)
  }

  /// Heads normed and turned, where that is asked for.
  private func placed(_ heads: Heads, norm: RMSNorm?, from starts: [Int]) -> Heads {
    let normed = norm.map { heads.normed(by: $0) } ?? heads
    return rotary.map { normed.rotated(by: $0, from: starts) } ?? normed
  }

  /// An empty cache for this attention.
  ///
  /// - Parameters:
  ///   - sequences: B.
  ///   - capacity: Most positions of a sequence.
  public func makeCache(
    sequences: Int, capacity: Int, in workspace: Workspace
  ) -> AttentionCache {
    AttentionCache(
      sequences: sequences, capacity: capacity, columns: heads.keyValueColumns, in: workspace)
  }
}

extension SelfAttention: MultiplyingBranch {
  public var multipliesOnly: Bool { projections.multipliesOnly }
}

extension Heads {
  /// Each head by itself, at each position, normed.
  ///
  /// - Parameter norm: Of K elements.
  fileprivate func normed(by norm: RMSNorm) -> Heads {
    precondition(
      count * width == tensor.shape.last, "heads of a joint projection can not be normed: \(self)")
    let single = tensor.reshaped(to: [sequences, positions, count, width])
    let normed = norm(single).reshaped(to: tensor.shape)  // [B, T, H · K]
    return Heads(normed, count: count, width: width)
  }
}
