/// Where a rank computes each of its leaves, and which partial sums it joins when: a binary counter
/// whose digits are buffers.
///
/// A leaf's gradient is computed in a free buffer. If the node on top of the stack is its sibling,
/// the two are joined, and so on up; the sum takes the place of the leftmost, the others are free
/// again. Nothing is joined after the last leaf: what is pending then is summed by the reduction,
/// in the same pass in which it sums over ranks. A function of the tree and the rank alone, so each
/// rank knows where its neighbours' sums lie.
package struct FoldPlan: Equatable {
  package struct Leaf: Equatable {
    /// The buffer in which the leaf is computed.
    package let buffer: Int
    /// Buffers that are joined with it, leftmost first, into the leftmost. Empty: none.
    package let joined: [Int]
    /// The nodes that they hold.
    package let joinedNodes: [Range<Int>]
  }

  package struct Pending: Equatable {
    package let node: Range<Int>
    package let buffer: Int
  }

  /// One for each owned leaf, in order.
  package private(set) var leaves: [Leaf] = []
  /// What is left after the last leaf: nodes from left to right.
  package private(set) var pending: [Pending] = []
  /// The fewest buffers that suffice. For L leaves at most 1 + log2(L) where the range begins at a
  /// multiple of L rounded up to a power of two, and 2·log2(L + 1) - 1 anywhere: the nodes before
  /// the last leaf, which double in size up to the middle and halve after it, and that leaf.
  package private(set) var bufferCount = 0

  package init(tree: CanonicalTree, owned: Range<Int>) {
    var free: [Int] = []
    for leaf in owned {
      let buffer = free.popLast() ?? bufferCount
      bufferCount = max(bufferCount, buffer + 1)
      var joined: [Int] = []
      var joinedNodes: [Range<Int>] = []
      var node = leaf..<leaf + 1
      if leaf + 1 < owned.upperBound {
        while let last = pending.last, tree.areSiblings(last.node, node) {
          pending.removeLast()
          joined.insert(last.buffer, at: 0)
          joinedNodes.insert(last.node, at: 0)
          node = last.node.lowerBound..<node.upperBound
        }
      }
      leaves.append(Leaf(buffer: buffer, joined: joined, joinedNodes: joinedNodes))
      pending.append(Pending(node: node, buffer: joined.first ?? buffer))
      if !joined.isEmpty { free += joined.dropFirst() + [buffer] }
    }
  }
}
