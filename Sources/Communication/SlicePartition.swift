/// Which part of a flat buffer each rank owns.
///
/// Slices are contiguous, in rank order, and equal to within a block; they begin at multiples of
/// 65,536 elements, the blocks over which norms are summed.
public struct SlicePartition: Equatable, Sendable {
  /// Elements of a block.
  public static let blockSize = 65_536

  /// P, the elements of the whole buffer.
  public let elementCount: Int
  /// N, the number of ranks.
  public let size: Int

  public init(elementCount: Int, size: Int) {
    precondition(elementCount >= 0 && size >= 1, "\(elementCount) elements on \(size) ranks")
    self.elementCount = elementCount
    self.size = size
  }

  public var blockCount: Int { (elementCount + Self.blockSize - 1) / Self.blockSize }

  /// The blocks of a rank.
  public func blocks(of rank: Int) -> Range<Int> {
    rank * blockCount / size..<(rank + 1) * blockCount / size
  }

  /// The blocks of consecutive ranks.
  func blocks(of ranks: Range<Int>) -> Range<Int> {
    blocks(of: ranks.lowerBound).lowerBound..<blocks(of: ranks.upperBound - 1).upperBound
  }

  /// The elements of a rank; empty when there are fewer blocks than ranks.
  public func slice(of rank: Int) -> Range<Int> {
    let blocks = blocks(of: rank)
    let start = min(elementCount, blocks.lowerBound * Self.blockSize)
    return start..<min(elementCount, blocks.upperBound * Self.blockSize)
  }

  /// The elements of a block.
  func elements(ofBlock block: Int) -> Range<Int> {
    block * Self.blockSize..<min(elementCount, (block + 1) * Self.blockSize)
  }
}
