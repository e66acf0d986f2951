// B sequences, N targets of each source, T positions, D width.

import LockstepTensors

/// A block of a Transformer: self-attention, attention to sources in the decoder of a translator, and a
/// feed-forward part, each with its residual branch and norm.
public struct TransformerBlock: Module {
  public let attention: Residual<SelfAttention>
  public let crossAttention: Residual<CrossAttention>?
  public let feedForward: Residual<FeedForward>

  /// - Parameters:
  ///   - attention: Self-attention.
  ///   - crossAttention: Nil where there are no sources. Default: nil.
  ///   - feedForward: What each position computes by itself.
  public init(
    attention: Residual<SelfAttention>, crossAttention: Residual<CrossAttention>? = nil,
    feedForward: Residual<FeedForward>
  ) {
    self.attention = attention
    self.crossAttention = crossAttention
    self.feedForward = feedForward
  }

  /// What a block needs besides its input.
  struct Surroundings {
    let mask: AttentionMask
    var cache: AttentionCache?
    var source: SourceKeys?
    /// Which keys of its source each query sees, [B, N · T].
    var sourceMask = AttentionMask.full
  }

  /// - Parameters:
  ///   - x: [B, T, D], with sources [B · N, T, D].
  ///   - name: Of the block, for an observer.
  /// - Returns: Of the same shape.
  func callAsFunction(_ x: Tensor, _ surroundings: Surroundings, name: String) -> Tensor {
    var x = attention(x, as: "\(name) attention") {
      $0($1, mask: surroundings.mask, cache: surroundings.cache, addedTo: $2)
    }
    if let crossAttention, let source = surroundings.source {
      x = crossAttention(x, as: "\(name) cross-attention") {
        $0($1, over: source, mask: surroundings.sourceMask, addedTo: $2)
      }
    }
    return feedForward(x, as: "\(name) feed-forward") { $0($1, addedTo: $2) }
  }
}
