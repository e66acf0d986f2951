import CLockstepKernels

/// How the nodes of a reduction's tree are kept and sent: all nodes but the root, micro-batches' gradients included.
/// So it is on every number of ranks, whatever is sent.
public enum PartialSums: Sendable {
  /// As they are.
  case float32
  /// Rounded to bfloat16, to nearest.
  case bfloat16
  /// Rounded to eight bits in blocks of 128 elements that share a scale, up or down by what is drawn.
  case int8
}

/// What the rounding of a step's nodes draws from: beside these, a draw is a function of the node and the element
/// alone. No two reductions of a run have the same.
public struct StepDraws: Equatable, Sendable {
  public var seed: UInt64
  public var step: Int
  /// What the tree's leaves count from.
  public var firstMicrobatch: Int

  public init(seed: UInt64 = 0, step: Int = 0, firstMicrobatch: Int = 0) {
    self.seed = seed
    self.step = step
    self.firstMicrobatch = firstMicrobatch
  }
}

/// How all the sums of one reduction round, step by step.
final class NodeRounding {
  /// 1 ... 10 are the purposes of random streams, which this target does not know.
  private static let purpose: UInt32 = 11

  let partialSums: PartialSums
  /// Changes between two steps only, while no thread sums.
  var draws = StepDraws()

  init(_ partialSums: PartialSums) { self.partialSums = partialSums }

  /// To which a node adds its place in the tree.
  var stream: CKernels_RandomStream {
    CKernels_RandomStream(
      seed: draws.seed, site: Self.purpose << 24, step: UInt32(truncatingIfNeeded: draws.step),
      microbatch: UInt32(truncatingIfNeeded: draws.firstMicrobatch))
  }
}
