import CLockstepKernels
import LockstepParallelism

/// The plain reduction: gradients are added up in place and summed by `MPI_Allreduce`.
///
/// It is what most systems do, kept for comparison and for clusters that want their vendor's
/// collectives. MPI picks its order of summation by size and number of ranks, so the bits depend on
/// them; in one process, ranks are summed in rank order. Scalars and norms are summed as in
/// `CanonicalReduction`.
public final class AllreduceReduction: GradientReduction {
  public let ownedLeaves: Range<Int>
  public let partition: SlicePartition

  private let communicator: any Communicator
  private let pool: ThreadPool?
  private let memory: MemorySegment
  /// The sum so far, and the next gradient, [P] each.
  private let sum: UnsafeMutableBufferPointer<Float>
  private let next: UnsafeMutableBufferPointer<Float>
  private let add: TreeSum
  private let ledger: StepLedger
  private var foldedCount = 0

  /// Allocates all buffers. Collective. Parameters as of `CanonicalReduction`.
  public init(
    communicator: any Communicator, elementCount: Int, leafCount: Int, scalarCount: Int = 0,
    layout: SlicePartition.Layout = .contiguous, pool: ThreadPool? = nil
  ) throws {
    let tree = CanonicalTree(leafCount: leafCount)
    self.communicator = communicator
    self.pool = pool
    let division = LeafDivision(leafCount: leafCount, size: communicator.size)
    ownedLeaves = division.leaves(of: communicator.rank)
    partition = SlicePartition(
      elementCount: elementCount, size: communicator.size, layout: layout)
    // A rank with a single micro-batch has nothing to add to it.
    let bufferCount = min(2, ownedLeaves.count)
    memory = try MemorySegment(
      privateByteCount: bufferCount * elementCount * MemoryLayout<Float>.stride,
      rank: communicator.rank)
    let floats = memory.bytes.bindMemory(to: Float.self)
    sum = UnsafeMutableBufferPointer(rebasing: floats[..<elementCount])
    next = UnsafeMutableBufferPointer(rebasing: floats.suffix(elementCount))
    add = TreeSum(
      [UnsafePointer(sum.baseAddress), UnsafePointer(next.baseAddress)], nodes: [0..<1, 1..<2],
      additions: [0, 1])
    ledger = try StepLedger(
      communicator: communicator, tree: tree, division: division, partition: partition,
      scalarCount: scalarCount)
  }

  public var leafBuffer: UnsafeMutableBufferPointer<Float> {
    precondition(foldedCount < ownedLeaves.count, "all micro-batches are folded: reduce first")
    return foldedCount == 0 ? sum : next
  }

  public func fold(scalars: [Double] = []) {
    precondition(foldedCount < ownedLeaves.count, "this rank has no more micro-batches")
    if foldedCount > 0, let target = sum.baseAddress {
      pool.run(tasks: partition.blockCount) { [partition, add] block in
        let elements = partition.elements(ofBlock: block)
        add(into: target + elements.lowerBound, start: elements.lowerBound, count: elements.count)
      }
    }
    ledger.enter(scalars, leaf: ownedLeaves.lowerBound + foldedCount)
    foldedCount += 1
  }

  public func reduce(flag: Int) throws -> ReducedGradient {
    precondition(foldedCount == ownedLeaves.count, "not all micro-batches are folded")
    foldedCount = 0
    try communicator.allReduceSum(sum)
    let blocks = Array(partition.blocks(of: communicator.rank).joined())
    if let values = sum.baseAddress {
      pool.run(tasks: blocks.count) { [partition, ledger] task in
        let block = blocks[task]
        let elements = partition.elements(ofBlock: block)
        ledger.blockSquares[block] = CKernels_sumSquares(
          values + elements.lowerBound, Int64(elements.count))
      }
    }
    return try ledger.close(
      parts: partition.parts(of: communicator.rank), values: sum, flag: flag)
  }

  /// Nil: every rank's sum is overwritten by the sum of all.
  public func locateNonFinite() throws -> NonFiniteGradient? { nil }
}
