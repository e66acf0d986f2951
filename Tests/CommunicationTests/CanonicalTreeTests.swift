import LockstepCommunication
import Testing

@Suite struct CanonicalTreeTests {
  /// The nodes of the tree, straight from its definition.
  private func allNodes(_ node: Range<Int>) -> [Range<Int>] {
    if node.count == 1 { return [node] }
    var half = 1
    while half * 2 < node.count { half *= 2 }
    let middle = node.lowerBound + half
    return [node] + allNodes(node.lowerBound..<middle) + allNodes(middle..<node.upperBound)
  }

  @Test func splitIsTheLargestPowerOfTwoBelow() {
    let splits = [2, 3, 4, 5, 7, 8, 9, 4_096, 4_097].map(CanonicalTree.split)
    #expect(splits == [1, 2, 2, 4, 4, 4, 8, 2_048, 4_096])
  }

  @Test(arguments: [(1, 1), (4, 4), (7, 3), (8, 3), (9, 9), (100, 7), (4_096, 9)])
  func ranksOwnEveryLeafOnceInOrder(leafCount: Int, size: Int) {
    let division = LeafDivision(leafCount: leafCount, size: size)
    let owned = (0..<size).map(division.leaves)
    #expect(owned.map(\.count).max()! - owned.map(\.count).min()! <= 1)
    #expect(owned.flatMap { Array($0) } == Array(0..<leafCount))
    #expect(owned.allSatisfy { !$0.isEmpty })
    for (rank, leaves) in owned.enumerated() {
      #expect(leaves.allSatisfy { division.owner(ofLeaf: $0) == rank })
    }
  }

  @Test(arguments: 1...20)
  func coveringNodesAreTheLargestInsideTheRange(leafCount: Int) {
    let tree = CanonicalTree(leafCount: leafCount)
    let nodes = allNodes(0..<leafCount)
    for start in 0..<leafCount {
      for end in start + 1...leafCount {
        let inside = nodes.filter { $0.lowerBound >= start && $0.upperBound <= end }
        let largest = inside.filter { node in
          !inside.contains { $0 != node && $0.clamped(to: node) == node }
        }
        let expected = largest.sorted { $0.lowerBound < $1.lowerBound }
        #expect(tree.nodes(covering: start..<end) == expected)
      }
    }
  }

  @Test(arguments: 2...33)
  func siblingsAreTheChildrenOfOneNode(leafCount: Int) {
    let tree = CanonicalTree(leafCount: leafCount)
    let nodes = allNodes(0..<leafCount)
    for left in nodes {
      for right in nodes where left.upperBound == right.lowerBound {
        let parent = left.lowerBound..<right.upperBound
        let isChild =
          nodes.contains(parent) && CanonicalTree.split(parent.count) == left.count
        #expect(tree.areSiblings(left, right) == isChild, "\(left) \(right) of \(leafCount)")
      }
    }
  }

  /// Sums names instead of numbers: the text shows the order of all additions.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 23, 64, 100])
  func foldingKeepsTheOrderOfTheTree(leafCount: Int) {
    let tree = CanonicalTree(leafCount: leafCount)
    func text(_ node: Range<Int>) -> String {
      if node.count == 1 { return "\(node.lowerBound)" }
      let middle = node.lowerBound + CanonicalTree.split(node.count)
      return "(\(text(node.lowerBound..<middle))+\(text(middle..<node.upperBound)))"
    }
    for size in 1...min(9, leafCount) {
      var parts: [(node: Range<Int>, text: String)] = []
      for rank in 0..<size {
        let owned = LeafDivision(leafCount: leafCount, size: size).leaves(of: rank)
        let plan = FoldPlan(tree: tree, owned: owned)
        var buffers = [String](repeating: "?", count: plan.bufferCount)
        for (leaf, place) in zip(owned, plan.leaves) {
          buffers[place.buffer] = "\(leaf)"
          guard let target = place.joined.first else { continue }
          buffers[target] = place.joined.reversed().reduce(buffers[place.buffer]) { sum, buffer in
            "(\(buffers[buffer])+\(sum))"
          }
        }
        parts += plan.pending.map { ($0.node, buffers[$0.buffer]) }
      }
      let (additions, nodes) = tree.additions(joining: parts.map(\.node))
      #expect(nodes == [0..<leafCount])
      var stack: [String] = []
      for (part, count) in zip(parts, additions) {
        stack.append(part.text)
        for _ in 0..<count {
          let right = stack.removeLast()
          stack[stack.count - 1] = "(\(stack[stack.count - 1])+\(right))"
        }
      }
      #expect(stack == [text(0..<leafCount)])
    }
  }

  @Test func foldingTakesFewBuffers() {
    for leafCount in [1, 2, 3, 8, 64, 1_000] {
      let tree = CanonicalTree(leafCount: leafCount)
      let plan = FoldPlan(tree: tree, owned: 0..<leafCount)
      let digits = Int.bitWidth - leafCount.leadingZeroBitCount
      #expect(plan.bufferCount <= digits)
    }
    for leafCount in [100, 128] {
      let tree = CanonicalTree(leafCount: leafCount)
      for start in 0..<leafCount {
        for end in start + 1...leafCount {
          let plan = FoldPlan(tree: tree, owned: start..<end)
          // At most 2·log2(L + 1) - 1, without rounding.
          let next = end - start + 1
          #expect(1 << (plan.bufferCount + 1) <= next * next)
          #expect(plan.bufferCount >= plan.pending.count)
        }
      }
    }
  }

  /// The bound is met: no smaller one would do.
  @Test func aRangeAcrossTheTreeTakesTwiceAsManyBuffersAsDigits() {
    for digits in 1...7 {
      let leafCount = (1 << digits) - 1
      let plan = FoldPlan(tree: CanonicalTree(leafCount: 256), owned: 1..<1 + leafCount)
      #expect(plan.bufferCount == 2 * digits - 1)
    }
    // Ranks of a run meet it, too: the last of 9 has 15 of 128 micro-batches.
    let tree = CanonicalTree(leafCount: 128)
    let owned = LeafDivision(leafCount: 128, size: 9).leaves(of: 8)
    #expect(owned.count == 15)
    #expect(FoldPlan(tree: tree, owned: owned).bufferCount == 7)
  }
}
