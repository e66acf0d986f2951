/// The binary tree over M leaves that fixes the order of every sum, on whichever rank it is computed.
///
/// A tree of one leaf is the leaf; a larger one splits at the largest power of two below its count.
/// Source: the Merkle tree of RFC 6962, section 2.1. For M = 7:
///
///     ((0+1)+(2+3)) + ((4+5)+6)
public struct CanonicalTree: Equatable, Sendable {
  /// M, the number of leaves.
  public let leafCount: Int

  /// - Parameter leafCount: At least 1.
  public init(leafCount: Int) {
    precondition(leafCount >= 1, "a tree needs at least 1 leaf, not \(leafCount)")
    self.leafCount = leafCount
  }

  /// The largest power of two below `count`, which is at least 2.
  package static func split(_ count: Int) -> Int {
    1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
  }

  /// The largest nodes of the tree that lie inside a range of leaves, from left to right.
  ///
  /// They make up the range, and are at most 2·log2(M).
  public func nodes(covering range: Range<Int>) -> [Range<Int>] {
    var nodes: [Range<Int>] = []
    collect(range, below: 0..<leafCount, into: &nodes)
    return nodes
  }

  private func collect(
    _ range: Range<Int>, below node: Range<Int>, into nodes: inout [Range<Int>]
  ) {
    let inside = node.clamped(to: range)
    if inside.isEmpty { return }
    if inside == node {
      nodes.append(node)
      return
    }
    let middle = node.lowerBound + Self.split(node.count)
    collect(range, below: node.lowerBound..<middle, into: &nodes)
    collect(range, below: middle..<node.upperBound, into: &nodes)
  }

  /// Whether two neighbours are the two children of one node.
  ///
  /// A left child is complete: 2^k leaves beginning at a multiple of 2^(k+1). Its right sibling has
  /// as many, or, at the end of the tree, all that are left.
  package func areSiblings(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    let count = left.count
    return left.upperBound == right.lowerBound
      && count & (count - 1) == 0
      && left.lowerBound % (2 * count) == 0
      && (right.count == count || (right.count < count && right.upperBound == leafCount))
  }

  /// How many additions follow each of `parts` when they are summed in the order of the tree, on a
  /// stack: after a part is pushed, its number of times the two topmost values become their sum.
  ///
  /// - Parameter parts: Nodes that follow each other.
  /// - Returns: The additions, and the nodes that are left on the stack.
  package func additions(joining parts: [Range<Int>]) -> (additions: [UInt8], nodes: [Range<Int>]) {
    var stack: [Range<Int>] = []
    let additions = parts.map { part in
      stack.append(part)
      var count: UInt8 = 0
      while stack.count >= 2, areSiblings(stack[stack.count - 2], stack[stack.count - 1]) {
        let right = stack.removeLast()
        stack[stack.count - 1] = stack[stack.count - 1].lowerBound..<right.upperBound
        count += 1
      }
      return count
    }
    return (additions, stack)
  }
}
