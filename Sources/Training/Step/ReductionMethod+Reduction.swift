import LockstepCommunication
import LockstepParallelism

extension ReductionMethod {
  /// The reduction of one rank. Collective.
  func reduction(
    communicator: any Communicator, elementCount: Int, leafCount: Int,
    layout: SlicePartition.Layout = .contiguous, pool: ThreadPool
  ) throws -> any GradientReduction {
    switch self {
    case .canonical, .canonicalBfloat16, .canonicalInt8:
      try canonical(
        communicator: communicator, elementCount: elementCount,
        division: LeafDivision(leafCount: leafCount, size: communicator.size),
        layout: layout, pool: pool)
    case .allreduce:
      try AllreduceReduction(
        communicator: communicator, elementCount: elementCount, leafCount: leafCount,
        scalarCount: 2, layout: layout, pool: pool)
    }
  }

  /// One whose bits depend on no division. Collective.
  func canonical(
    communicator: any Communicator, elementCount: Int, division: LeafDivision,
    layout: SlicePartition.Layout, pool: ThreadPool
  ) throws -> CanonicalReduction {
    precondition(self != .allreduce, "the bits of allreduce depend on the division")
    return try CanonicalReduction(
      communicator: communicator, elementCount: elementCount, division: division, scalarCount: 2,
      partialSums: partialSums, layout: layout, pool: pool)
  }
}
