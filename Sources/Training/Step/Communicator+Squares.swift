import CLockstepKernels
import LockstepCommunication

extension Communicator {
  /// The sum of the squares of all ranks' slices, as they are now: over blocks of 65,536 elements, in order.
  /// Collective.
  ///
  /// - Parameter slice: This rank's.
  func squares(
    of slice: UnsafeMutableBufferPointer<Float>, over partition: SlicePartition
  ) throws -> Double {
    let blockSize = SlicePartition.blockSize
    let blocks = (0..<partition.size).map { partition.blocks(of: $0).count }
    var own = [Double](repeating: 0, count: blocks.max() ?? 0)
    if let base = slice.baseAddress {
      for block in 0..<(slice.count + blockSize - 1) / blockSize {
        let start = block * blockSize
        own[block] = CKernels_sumSquares(
          base + start, Int64(min(blockSize, slice.count - start)))
      }
    }
    let all = size > 1 ? try allGather(own) : [own]
    return zip(all, blocks).flatMap { $0.prefix($1) }.reduce(0, +)
  }
}
