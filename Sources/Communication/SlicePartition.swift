/// Which parts of a flat buffer each rank owns.
///
/// The buffer is cut into turns, and each turn into one part for each owner, in rank order, equal to within a
/// block. With one turn a rank owns one contiguous slice. With several, every stretch of the buffer has elements
/// of every owner: what travels between hosts then keeps all links busy while a pass goes through the buffer.
///
/// Parts begin at multiples of 65,536 elements, the blocks over which norms are summed. So no sum depends on who
/// owns what.
public struct SlicePartition: Equatable, Sendable {
  /// Elements of a block.
  public static let blockSize = 65_536
  /// The most turns: a rank's parts are listed in checkpoints' plans, messages and states.
  package static let mostTurns = 16

  /// P, the elements of the whole buffer.
  public let elementCount: Int
  /// N, the number of ranks.
  public let size: Int
  /// Whether there may be several turns.
  public let takesTurns: Bool
  /// The ranks that own something, ascending.
  private let owners: [Int]
  /// Blocks of every turn but the last, which may have fewer: a multiple of the number of owners.
  private let blocksPerTurn: Int

  /// - Parameters:
  ///   - owners: The ranks that share out the buffer, ascending; the others own nothing. Default:
  ///     all.
  ///   - takesTurns: Whether there are several turns, as many as the buffer's blocks allow, at most 16.
  ///     Default: one.
  public init(
    elementCount: Int, size: Int, owners: [Int]? = nil, takesTurns: Bool = false
  ) {
    let owners = owners ?? Array(0..<max(0, size))
    precondition(elementCount >= 0 && size >= 1, "\(elementCount) elements on \(size) ranks")
    precondition(
      !owners.isEmpty && owners == owners.sorted() && owners.allSatisfy((0..<size).contains),
      "some of \(size) ranks own the buffer, not \(owners)")
    self.elementCount = elementCount
    self.size = size
    self.owners = owners
    self.takesTurns = takesTurns
    let blockCount = (elementCount + Self.blockSize - 1) / Self.blockSize
    let turns = takesTurns && owners.count > 1 ? Self.mostTurns : 1
    let share = (blockCount + turns * owners.count - 1) / (turns * owners.count)
    blocksPerTurn = turns == 1 ? blockCount : share * owners.count
  }

  public var blockCount: Int { (elementCount + Self.blockSize - 1) / Self.blockSize }

  /// The blocks of each turn.
  private var turns: [Range<Int>] {
    stride(from: 0, to: blockCount, by: max(1, blocksPerTurn)).map {
      $0..<min($0 + blocksPerTurn, blockCount)
    }
  }

  /// Where a rank's blocks of a turn begin, or those of the next owner if it owns nothing.
  private func start(of rank: Int, in turn: Range<Int>) -> Int {
    let before = owners.count { $0 < rank }
    return turn.lowerBound + before * turn.count / owners.count
  }

  /// The blocks of consecutive ranks, ascending; none that are empty.
  package func blocks(of ranks: Range<Int>) -> [Range<Int>] {
    turns.map { start(of: ranks.lowerBound, in: $0)..<start(of: ranks.upperBound, in: $0) }
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

  /// How many elements a rank owns.
  public func count(of rank: Int) -> Int { parts(of: rank).reduce(0) { $0 + $1.count } }

  /// The elements of a rank where there is one turn; empty when there are fewer blocks than ranks.
  public func slice(of rank: Int) -> Range<Int> {
    let parts = parts(of: rank)
    precondition(parts.count <= 1, "rank \(rank) owns \(parts.count) parts, not a slice")
    if let part = parts.first { return part }
    let begin = turns.first.map { start(of: rank, in: $0) * Self.blockSize } ?? 0
    return min(begin, elementCount)..<min(begin, elementCount)
  }

  /// The elements of a block.
  package func elements(ofBlock block: Int) -> Range<Int> { elements(ofBlocks: block..<block + 1) }

  private func elements(ofBlocks blocks: Range<Int>) -> Range<Int> {
    blocks.lowerBound * Self.blockSize..<min(elementCount, blocks.upperBound * Self.blockSize)
  }

  /// The owner of a block of the buffer.
  package func owner(ofBlock block: Int) -> Int? {
    guard let turn = turns.first(where: { $0.contains(block) }) else { return nil }
    return owners.last { start(of: $0, in: turn) <= block }
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
