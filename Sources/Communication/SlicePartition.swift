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
  /// The ranks that own something, ascending; nil: all of them.
  private let owners: [Int]?

  /// - Parameter owners: The ranks that share out the buffer, ascending; the others own nothing. Default:
  ///   all.
  public init(elementCount: Int, size: Int, owners: [Int]? = nil) {
    precondition(elementCount >= 0 && size >= 1, "\(elementCount) elements on \(size) ranks")
    precondition(
      owners.map { !$0.isEmpty && $0 == $0.sorted() && $0.allSatisfy((0..<size).contains) } ?? true,
      "some of \(size) ranks own the buffer, not \(owners ?? [])")
    self.elementCount = elementCount
    self.size = size
    self.owners = owners
  }

  public var blockCount: Int { (elementCount + Self.blockSize - 1) / Self.blockSize }

  /// The blocks of a rank.
  public func blocks(of rank: Int) -> Range<Int> {
    guard let owners else { return rank * blockCount / size..<(rank + 1) * blockCount / size }
    let before = owners.count { $0 < rank }
    let end = before + (owners.contains(rank) ? 1 : 0)
    return before * blockCount / owners.count..<end * blockCount / owners.count
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

  /// The rank of a host that reads an element for its host while the others may be writing their slices:
  /// its owner, if that is there.
  ///
  /// - Parameters:
  ///   - element: One behind the buffer has no owner.
  ///   - topology: Of a rank of the host.
  package func reader(of element: Int, _ topology: Topology) -> Int {
    let owner = (0..<size).first { slice(of: $0).contains(element) }
    if let owner, topology.hostRanks.contains(owner) { return owner }
    return topology.counterpart(
      of: owner ?? element / Self.blockSize, onHost: topology.hostIndex)
  }
}
