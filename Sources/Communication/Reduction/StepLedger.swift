/// The small numbers of a step: scalars of each micro-batch, sums of squares of each block, flags.
///
/// One copy on each host, in shared memory. Ranks write their own entries; leaders complete them
/// with those of other hosts; then every rank sums all of them in the same order.
final class StepLedger {
  /// The sum of squares of each block of the result. Ranks write those of what they own.
  let blockSquares: UnsafeMutableBufferPointer<Double>

  private let communicator: any Communicator
  private let tree: CanonicalTree
  private let division: LeafDivision
  private let partition: SlicePartition
  private let scalarCount: Int
  /// Additions after each leaf, when scalars are summed on a stack.
  private let additions: [UInt8]
  private let memory: SharedMemory
  private let rows: UnsafeMutableBufferPointer<Double>
  /// Rows are written before all ranks have read those of the last step: there are two sets.
  private var half = 0
  private var stack: [Double] = []

  /// Collective.
  init(
    communicator: any Communicator, tree: CanonicalTree, division: LeafDivision,
    partition: SlicePartition, scalarCount: Int
  ) throws {
    self.communicator = communicator
    self.tree = tree
    self.division = division
    self.partition = partition
    self.scalarCount = scalarCount
    additions = tree.additions(joining: (0..<tree.leafCount).map { $0..<$0 + 1 }).additions
    let rowCount = 2 * tree.leafCount * scalarCount
    let byteCount = max(1, rowCount + partition.blockCount) * MemoryLayout<Double>.stride
    memory = try communicator.allocateShared(
      byteCount: communicator.topology.isLeader ? byteCount : 0)
    let doubles = memory.segments[0].bindMemory(to: Double.self)
    rows = UnsafeMutableBufferPointer(rebasing: doubles[..<rowCount])
    blockSquares = UnsafeMutableBufferPointer(
      rebasing: doubles[rowCount..<rowCount + partition.blockCount])
  }

  private func row(of leaf: Int) -> Int { (half * tree.leafCount + leaf) * scalarCount }

  /// Enters the scalars of a leaf that this rank owns.
  func enter(_ scalars: [Double], leaf: Int) {
    precondition(
      scalars.count == scalarCount,
      "micro-batch \(leaf) has \(scalars.count) scalars instead of \(scalarCount)")
    for (index, scalar) in scalars.enumerated() { rows[row(of: leaf) + index] = scalar }
  }

  /// Waits until all ranks have entered everything and sums it up. Collective.
  func close(
    parts: [Range<Int>], values: UnsafeMutableBufferPointer<Float>, flag: Int
  ) throws -> ReducedGradient {
    try communicator.meet(
      CollectiveCall(.finishReduce, byteCount: partition.elementCount * 4),
      contributing: [UInt64(bitPattern: Int64(flag))]
    ) { [self] batch in exchange(batch) }

    var largest = flag
    for rank in 0..<communicator.size {
      largest = max(largest, Int(Int64(bitPattern: communicator.contribution(of: rank)[0])))
    }
    let result = ReducedGradient(
      parts: parts, values: values, squaredNorm: blockSquares.reduce(0, +), scalars: totals(),
      nonFiniteLeaf: firstNonFinite(), flag: largest)
    half = 1 - half
    return result
  }

  /// Leaders send what their host's ranks have entered to all other leaders.
  private func exchange(_ batch: MessageBatch) {
    let topology = communicator.topology
    let own = entries(of: topology.hostRanks)
    for (index, host) in topology.hosts.enumerated() where index != topology.hostIndex {
      for bytes in own { batch.send(UnsafeRawBufferPointer(bytes), to: host.lowerBound) }
      for bytes in entries(of: host) { batch.receive(into: bytes, from: host.lowerBound) }
    }
  }

  /// The memory in which the entries of consecutive ranks lie: rows, then squares.
  private func entries(of ranks: Range<Int>) -> [UnsafeMutableRawBufferPointer] {
    let leaves = division.leaves(of: ranks)
    let rows = self.rows[row(of: leaves.lowerBound)..<row(of: leaves.upperBound)]
    let squares = partition.blocks(of: ranks).map { blockSquares[$0] }
    return ([rows] + squares).map {
      UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: $0))
    }
  }

  /// Each scalar summed over all leaves, in the order of the tree.
  private func totals() -> [Double] {
    (0..<scalarCount).map { index in
      stack.removeAll(keepingCapacity: true)
      for leaf in 0..<tree.leafCount {
        var sum = rows[row(of: leaf) + index]
        for _ in 0..<additions[leaf] { sum = (stack.popLast() ?? 0) + sum }
        stack.append(sum)
      }
      return stack[0]
    }
  }

  private func firstNonFinite() -> NonFiniteLeaf? {
    for leaf in 0..<tree.leafCount {
      for index in 0..<scalarCount {
        let value = rows[row(of: leaf) + index]
        guard !value.isFinite else { continue }
        return NonFiniteLeaf(
          rank: division.owner(ofLeaf: leaf), microbatch: leaf,
          scalarIndex: index, value: value)
      }
    }
    return nil
  }
}
