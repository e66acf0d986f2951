// B sequences, N targets of each source, T positions, D width.

import LockstepTensors

/// Blocks of one kind, one after the other: all that is asked of every block is asked in its loop
/// (observation, recomputation, caches).
public struct BlockStack<Block: Module>: Module {
  public let blocks: [Block]
  private let name: String
  private let recomputes: Bool
  private let recomputesLast: Bool

  public static var checkpointNames: [String: String] { ["blocks": ""] }

  /// - Parameters:
  ///   - count: How many blocks.
  ///   - name: What an observer is told: "block" for "block 0 output". Default: "block".
  ///   - recomputes: Whether training keeps of each block its input only, and computes the rest again
  ///     in the backward pass. Default: false.
  ///   - recomputesLast: Whether the last block is recomputed, too. Where its activations are wanted at
  ///     once, keeping them takes no more memory. Default: false.
  ///   - make: Makes one block.
  public init(
    count: Int, name: String = "block", recomputes: Bool = false, recomputesLast: Bool = false,
    _ make: () -> Block
  ) {
    blocks = (0..<count).map { _ in make() }
    self.name = name
    self.recomputes = recomputes
    self.recomputesLast = recomputesLast
  }

  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - isCaching: Whether `run` leaves something behind that must happen once, as a cache does:
  ///     then nothing is recomputed. Default: false.
  ///   - run: Computes one block, given its place and its name.
  /// - Returns: [B, T, D].
  public func callAsFunction(
    _ x: Tensor, isCaching: Bool = false,
    _ run: @escaping (_ block: Block, _ x: Tensor, _ index: Int, _ name: String) -> Tensor
  ) -> Tensor {
    var x = x
    for (index, block) in blocks.enumerated() {
      let name = "\(name) \(index)"
      let once = { run(block, $0, index, name).observed(as: "\(name) output") }
      let again = recomputes && !isCaching && (recomputesLast || index < blocks.count - 1)
      x = again ? x.recomputing(once) : once(x)
    }
    return x
  }
}

extension BlockStack where Block == TransformerBlock {
  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - mask: Which positions each one sees.
  ///   - caches: Of all blocks, with the earlier positions; nil for whole sequences. Default: nil.
  /// - Returns: [B, T, D].
  public func callAsFunction(
    _ x: Tensor, mask: AttentionMask, caches: [AttentionCache]? = nil
  ) -> Tensor {
    self(x, isCaching: caches != nil) { block, x, index, name in
      block(x, .init(mask: mask, cache: caches?[index]), name: name)
    }
  }

  /// The same for targets that look at sources.
  ///
  /// - Parameters:
  ///   - x: [B · N, T, D].
  ///   - sources: What each block sees of the sources.
  ///   - sourceMask: Which keys of its source each query sees, [B, N · T].
  /// - Returns: [B · N, T, D].
  public func callAsFunction(
    _ x: Tensor, mask: AttentionMask, caches: [AttentionCache]? = nil, sources: [SourceKeys],
    sourceMask: AttentionMask
  ) -> Tensor {
    self(x, isCaching: caches != nil) { block, x, index, name in
      block(
        x,
        .init(
          mask: mask, cache: caches?[index], source: sources[index], sourceMask: sourceMask),
        name: name)
    }
  }

  /// Empty caches of all blocks.
  ///
  /// - Parameters:
  ///   - sequences: B.
  ///   - capacity: Most positions of a sequence.
  public func makeCaches(
    sequences: Int, capacity: Int, in workspace: Workspace
  ) -> [AttentionCache] {
    blocks.map {
      $0.attention.branch.makeCache(sequences: sequences, capacity: capacity, in: workspace)
    }
  }

  /// What each block sees of sources.
  ///
  /// - Parameter states: The encoder's, [B, S, D].
  public func sourceKeys(of states: Tensor) -> [SourceKeys] {
    blocks.compactMap { $0.crossAttention?.branch.sourceKeys(of: states) }
  }
}
