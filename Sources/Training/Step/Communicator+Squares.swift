import CLockstepKernels
import LockstepCommunication

extension Communicator {
  /// The sum of the squares of what all ranks own, as it is now: over blocks of 65,536 elements, in order.
  /// Collective.
  ///
  /// - Parameter values: As large as the partition's buffer; of this rank its own parts count.
  func squares(
    of values: UnsafeMutableBufferPointer<Float>, over partition: SlicePartition
  ) throws -> Double {
    let blocks = (0..<partition.size).map { Array(partition.blocks(of: $0).joined()) }
    var own = [Double](repeating: 0, count: blocks.map(\.count).max() ?? 0)
    if let base = values.baseAddress {
      for (index, block) in blocks[rank].enumerated() {
        let elements = partition.elements(ofBlock: block)
        own[index] = CKernels_sumSquares(base + elements.lowerBound, Int64(elements.count))
      }
    }
    let all = size > 1 ? try allGather(own) : [own]
    var squares = [Double](repeating: 0, count: partition.blockCount)
    for (blocks, sums) in zip(blocks, all) {
      for (block, sum) in zip(blocks, sums) { squares[block] = sum }
    }
    return squares.reduce(0, +)
  }
}
