import CKernels

/// Heads side by side in the columns of a tensor: [B, T, columns], of which this takes
/// `count` · K columns from `offset` on.
///
/// One tensor may hold queries, keys and values in different columns, as GPT-2's `c_attn` does.
public struct Heads {
  public let tensor: Tensor
  /// The first column.
  public let offset: Int
  /// How many heads.
  public let count: Int
  /// K, the columns of one head.
  public let width: Int
  /// T, how many positions of each sequence take part.
  public let positions: Int

  /// - Parameters:
  ///   - tensor: [B, at least T, columns], with offset + count · width ≤ columns.
  ///   - offset: The first column. Default: 0.
  ///   - count: How many heads.
  ///   - width: K.
  ///   - positions: T. Default: all that the tensor has.
  public init(_ tensor: Tensor, offset: Int = 0, count: Int, width: Int, positions: Int? = nil) {
    precondition(
      tensor.shape.rank == 3 && offset + count * width <= tensor.shape.last
        && offset >= 0 && positions ?? 0 <= tensor.shape[1],
      "\(count) heads of \(width) columns from \(offset) on are not in \(tensor.shape)")
    self.tensor = tensor
    self.offset = offset
    self.count = count
    self.width = width
    self.positions = positions ?? tensor.shape[1]
  }

  var sequences: Int { tensor.shape[0] }

  /// One head of one sequence, as a matrix [T, K] in `memory` laid out like the tensor.
  func matrix(
    _ memory: UnsafeMutablePointer<Float>, sequence: Int, head: Int
  ) -> Matrix {
    let columns = tensor.shape.last
    return Matrix(
      memory + sequence * tensor.shape[1] * columns + offset + head * width, stride: columns)
  }
}

extension Heads: CustomStringConvertible {
  public var description: String {
    "\(count) heads of \(width) columns at \(positions) positions in \(tensor.shape)"
  }
}

/// Which keys a query sees.
public enum AttentionMask: Sendable {
  /// Query t sees keys 0 ... t + (keys - queries): itself and what came before.
  case causal
  /// Every query sees every key.
  case full
}

extension Heads {
  /// Scaled dot-product attention, softmax(Q Kᵀ / √K) V (Vaswani et al., 2017), for all heads.
  ///
  /// Queries are taken in blocks; of the [T, S] matrix of scores only a block's rows exist at a
  /// time, and the masked half is skipped. The backward pass computes the scores again.
  ///
  /// - Parameters:
  ///   - keys: Heads over [B, S, ...]; their number divides the number of query heads (grouped-query
  ///     attention, Ainslie et al., 2023).
  ///   - values: As `keys`.
  ///   - mask: Default: causal.
  ///   - dropout: The probability that a weight is dropped in training. Default: 0.
  /// - Returns: [B, T, H · K].
  public func attend(
    keys: Heads, values: Heads, mask: AttentionMask = .causal, dropout: Float = 0
  ) -> Tensor {
    precondition(
      keys.count == values.count && keys.positions == values.positions && count % keys.count == 0
        && keys.width == width && values.width == width && keys.sequences == sequences
        && values.sequences == sequences,
      "attend: queries, keys and values do not fit: \(self), \(keys), \(values)")
    precondition(
      mask == .full || positions <= keys.positions,
      "attend: a causal mask leaves queries without keys: \(positions) for \(keys.positions) keys")
    let workspace = tensor.workspace
    let result = Tensor(
      uninitialized: [sequences, positions, count * width], in: workspace)
    let pass = AttentionPass(
      queries: self, keys: keys, values: values, mask: mask,
      dropout: workspace.isTraining ? dropout : 0,
      stream: workspace.isTraining && dropout > 0 ? workspace.nextRandomStream(.dropout) : nil,
      outputs: Heads(result, count: count, width: width))
    let statistics = pass.forward()
    return result.recorded(inputs: [tensor, keys.tensor, values.tensor]) { gradient in
      pass.backward(gradient, statistics: statistics)
    }
  }
}
