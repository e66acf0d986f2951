import CLockstepKernels

/// Heads side by side in the columns of a tensor: [B, T, columns], of which this takes
/// `count` · K columns from `offset` on.
///
/// One tensor may hold queries, keys and values in different columns, as GPT-2's `c_attn` does.
public struct Heads {
  public let tensor: Tensor
  let layout: HeadLayout

  /// - Parameters:
  ///   - tensor: [B, at least T, columns], with offset + count · width ≤ columns.
  ///   - offset: The first column. Default: 0.
  ///   - count: How many heads.
  ///   - width: K.
  ///   - positions: T. Default: all that the tensor has.
  public init(_ tensor: Tensor, offset: Int = 0, count: Int, width: Int, positions: Int? = nil) {
    precondition(
      tensor.shape.rank == 3 && offset >= 0 && offset + count * width <= tensor.shape.last
        && positions ?? 0 <= tensor.shape[1],
      "\(count) heads of \(width) columns from \(offset) on are not in \(tensor.shape)")
    self.tensor = tensor
    layout = HeadLayout(
      shape: tensor.shape, offset: offset, count: count, width: width,
      positions: positions ?? tensor.shape[1])
  }

  /// The first column.
  public var offset: Int { layout.offset }
  /// How many heads.
  public var count: Int { layout.count }
  /// K, the columns of one head.
  public var width: Int { layout.width }
  /// T, how many positions of each sequence take part.
  public var positions: Int { layout.positions }
  /// B.
  public var sequences: Int { layout.shape[0] }

  /// One head of one sequence, as a matrix [T, K] of these elements.
  func matrix(sequence: Int, head: Int) -> Matrix {
    layout.matrix(tensor.pointer, sequence: sequence, head: head)
  }
}

/// Where heads lie in memory of a tensor's shape, whatever that memory holds: the tensor's elements
/// or their gradient.
struct HeadLayout {
  /// [B, at least T, columns].
  let shape: Shape
  let offset: Int
  let count: Int
  let width: Int
  let positions: Int

  /// One head of one sequence, as a matrix [T, K] in `memory`.
  func matrix(_ memory: UnsafeMutablePointer<Float>, sequence: Int, head: Int) -> Matrix {
    Matrix(
      memory + sequence * shape[1] * shape.last + offset + head * width, stride: shape.last)
  }

  /// Whether the heads fill the memory, so that writing them leaves nothing undefined.
  var coversShape: Bool { count * width == shape.last && positions == shape[1] }
}

extension Heads: CustomStringConvertible {
  public var description: String {
    "\(count) heads of \(width) columns at \(positions) positions in \(tensor.shape)"
  }
}

/// Which keys a query sees.
public enum AttentionMask: Sendable, Equatable {
  /// Query t sees keys 0 ... t + (keys - queries): itself and what came before.
  case causal
  /// Every query sees every key.
  case full
  /// Every query sees a range of its own.
  case ranges(KeyRanges)
}

/// The keys that each query sees: one range for all heads. A query whose range is empty sees nothing;
/// its output is zero, and so are its gradients.
public struct KeyRanges: Sendable, Equatable {
  /// The first key that a query sees, [B, T].
  public let lower: [Int32]
  /// One more than the last key that it sees, [B, T].
  public let upper: [Int32]

  /// - Parameters:
  ///   - lower: Each at least 0, [B, T].
  ///   - upper: Each at least its `lower`, and at most the number of keys, [B, T].
  public init(lower: [Int32], upper: [Int32]) {
    precondition(
      lower.count == upper.count && zip(lower, upper).allSatisfy { 0 <= $0 && $0 <= $1 },
      "ranges of keys begin at 0 or later and do not end before they begin")
    self.lower = lower
    self.upper = upper
  }
}

extension Heads {
  /// Scaled dot-product attention, softmax(Q Kᵀ / √K) V (Vaswani et al., 2017), for all heads.
  ///
  /// Queries are taken in blocks, and the masked half of the [T, S] matrix of scores is skipped. Where the
  /// workspace has memory to spare for the probabilities, they are kept for the backward pass. Otherwise only
  /// a block's rows exist at a time, and are computed again: the same bits.
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
      mask != .causal || positions <= keys.positions,
      "attend: a causal mask leaves queries without keys: \(positions) for \(keys.positions) keys")
    if case .ranges(let ranges) = mask {
      precondition(
        ranges.upper.count == sequences * positions
          && ranges.upper.allSatisfy { $0 <= keys.positions },
        "attend: \(ranges.upper.count) ranges of keys do not fit \(self) and \(keys)")
    }
    let workspace = tensor.workspace
    if let observer = workspace.observer as? any AttentionObserver {
      observer.attention(probabilities(keys: keys) { attend(keys: keys, values: $0, mask: mask) })
    }
    let result = Tensor(
      uninitialized: [sequences, positions, count * width], in: workspace)
    let pass = AttentionPass(
      queries: self, keys: keys, values: values, mask: mask,
      dropout: workspace.isTraining ? dropout : 0,
      stream: workspace.isTraining && dropout > 0 ? workspace.nextRandomStream(.dropout) : nil,
      outputs: Heads(result, count: count, width: width))
    let kept = pass.forward()
    return result.recorded(inputs: [tensor, keys.tensor, values.tensor]) { gradient in
      pass.backward(gradient, kept: kept)
    }
  }
}
