/// Which parts of a flat buffer each rank owns.
///
/// The buffer is cut into stretches, and each stretch into one part for each owner, in rank order, equal to
/// within a block. With one stretch a rank owns one contiguous slice. With several it owns parts all over the
/// buffer: what travels between hosts then keeps all links busy while a pass goes through the buffer.
///
/// Parts begin at multiples of 65,536 elements, the blocks over which norms are summed. So no sum depends on who
/// owns what.
public struct SlicePartition: Equatable, Sendable {
  /// Where in the buffer a rank's parts lie.
  public enum Layout: Sendable {
    /// One slice for each rank.
    case contiguous
    /// Parts all over the buffer, one in each of as many stretches as its blocks allow, at most 16.
    case interleaved
  }

  /// Elements of a block.
  public static let blockSize = 65_536
  /// The most stretches: a rank's parts are listed in checkpoints' plans, messages and states.
  package static let mostStretches = 16

  /// P, the elements of the whole buffer.
  public let elementCount: Int
  /// N, the number of ranks.
  public let size: Int
  public let layout: Layout
  /// The ranks that own something, ascending.
  private let owners: [Int]
  /// Blocks of every stretch but the last, which may have fewer: a multiple of the number of owners.
  private let blocksPerStretch: Int

  /// - Parameters:
  ///   - owners: The ranks that share out the buffer, ascending; the others own nothing. Default:
  ///     all.
  ///   - layout: Where each rank's parts lie. Default: one slice for each.
  public init(
    elementCount: Int, size: Int, owners: [Int]? = nil, layout: Layout = .contiguous
  ) {
    let owners = owners ?? Array(0..<max(0, size))
    precondition(elementCount >= 0 && size >= 1, "\(elementCount) elements on \(size) ranks")
    precondition(
      !owners.isEmpty && owners == owners.sorted() && owners.allSatisfy((0..<size).contains),
      "some of \(size) ranks own the buffer, not \(owners)")
    self.elementCount = elementCount
    self.size = size
    self.owners = owners
    self.layout = layout
    let blockCount = (elementCount + Self.blockSize - 1) / Self.blockSize
    let stretches = layout == .interleaved && owners.count > 1 ? Self.mostStretches : 1
    let share = (blockCount + stretches * owners.count - 1) / (stretches * owners.count)
    blocksPerStretch = stretches == 1 ? blockCount : share * owners.count
  }

  public var blockCount: Int { (elementCount + Self.blockSize - 1) / Self.blockSize }

  /// The blocks of each stretch.
  private var stretches: [Range<Int>] {
    stride(from: 0, to: blockCount, by: max(1, blocksPerStretch)).map {
      $0..<min($0 + blocksPerStretch, blockCount)
    }
  }

  /// Where a rank's blocks of a stretch begin, or those of the next owner if it owns nothing.
  private func start(of rank: Int, in stretch: Range<Int>) -> Int {
    let before = owners.count { $0 < rank }
    return stretch.lowerBound + before * stretch.count / owners.count
  }

  /// The blocks of consecutive ranks, ascending; none that are empty.
  package func blocks(of ranks: Range<Int>) -> [Range<Int>] {
    stretches.map { start(of: ranks.lowerBound, in: $0)..<start(of: ranks.upperBound, in: $0) }
      .filter { !$0.isEmpty }
  }

  /// The blocks of a rank, ascending; none that are empty.
  public func blocks(of rank: Int) -> [Range<Int>] { blocks(of: rank..<rank + 1) }

  /// How many blocks a rank owns.
  public func blockCount(of rank: Int) -> Int { blocks(of: rank).reduce(0) { $0 + $1.count } }

  /// The elements of a rank, ascending; no parts when there are fewer blocks than ranks.
  public func parts(of rank: Int) -> [Range<Int>] {
    blocks(of: rank).map(elements(ofBlocks:))
  }

  /// The elements of a rank in pieces, ascending.
  ///
  /// - Parameter size: Elements of a piece, at most.
  package func chunks(of rank: Int, size: Int) -> [Range<Int>] {
    parts(of: rank).flatMap { part in
      stride(from: part.lowerBound, to: part.upperBound, by: size).map {
        $0..<min($0 + size, part.upperBound)
      }
    }
  }

  /// How many elements a rank owns.
  public func count(of rank: Int) -> Int { parts(of: rank).reduce(0) { $0 + $1.count } }

  /// The elements of a rank where there is one stretch; empty when there are fewer blocks than ranks.
  public func slice(of rank: Int) -> Range<Int> {
    let parts = parts(of: rank)
    precondition(parts.count <= 1, "rank \(rank) owns \(parts.count) parts, not a slice")
    if let part = parts.first { return part }
    let begin = stretches.first.map { start(of: rank, in: $0) * Self.blockSize } ?? 0
    return min(begin, elementCount)..<min(begin, elementCount)
  }

  /// The elements of a block.
  package func elements(ofBlock block: Int) -> Range<Int> { elements(ofBlocks: block..<block + 1) }

  private func elements(ofBlocks blocks: Range<Int>) -> Range<Int> {
    blocks.lowerBound * Self.blockSize..<min(elementCount, blocks.upperBound * Self.blockSize)
  }

  /// The owner of a block of the buffer.
  package func owner(ofBlock block: Int) -> Int? {
    guard let stretch = stretches.first(where: { $0.contains(block) }) else { return nil }
    return owners.last { start(of: $0, in: stretch) <= block }
  }

  /// The rank of a host that reads an element for its host while the others may be writing what they own: its
  /// owner, if that is there.
  ///
  /// - Parameters:
  ///   - element: One behind the buffer has no owner.
  ///   - topology: Of a rank of the host.
  package func reader(of element: Int, _ topology: Topology) -> Int {
    let block = element / Self.blockSize
    let owner = owner(ofBlock: block)
    if let owner, topology.hostRanks.contains(owner) { return owner }
    return topology.counterpart(of: owner ?? block, onHost: topology.hostIndex)
  }
}
