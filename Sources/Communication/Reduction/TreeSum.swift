import CLockstepKernels
import LockstepParallelism

/// The sum of several vectors in the order of a tree, ready to be computed on any range.
final class TreeSum {
  /// Where each vector begins. May be moved between computations.
  let sources: UnsafeMutableBufferPointer<UnsafePointer<Float>?>
  private let nodes: [CKernels_TreeNode]
  private let additions: [UInt8]
  private let rounding: NodeRounding
  private let isRoot: Bool

  /// - Parameters:
  ///   - sources: From left to right; at least one.
  ///   - nodes: Which node of the tree each of them is.
  ///   - additions: See `CanonicalTree.additions(joining:)`.
  ///   - rounding: How nodes are rounded. Default: not at all.
  ///   - isRoot: Whether the sum is the root of the tree. Default: false.
  init(
    _ sources: [UnsafePointer<Float>?], nodes: [Range<Int>], additions: [UInt8],
    rounding: NodeRounding = NodeRounding(.float32), isRoot: Bool = false
  ) {
    precondition(
      !sources.isEmpty && sources.count == additions.count && sources.count == nodes.count,
      "one node and one count for each source")
    self.rounding = rounding
    self.isRoot = isRoot
    self.sources = .allocate(capacity: sources.count)
    _ = self.sources.initialize(fromContentsOf: sources)
    self.nodes = nodes.map {
      CKernels_TreeNode(firstLeaf: UInt32($0.lowerBound), leafCount: UInt32($0.count))
    }
    self.additions = additions
  }

  deinit { sources.deallocate() }

  /// destination[i] = sum of sources[…][start + i], for i in 0 ..< count.
  ///
  /// - Parameter element: Where the destination begins in the whole buffer, a multiple of 128. Default:
  ///   `start`, as where the sources are whole buffers.
  func callAsFunction(
    into destination: UnsafeMutablePointer<Float>, start: Int, count: Int, element: Int? = nil
  ) {
    guard rounding.partialSums == .float32 else {
      _ = withSquares(into: destination, start: start, count: count, element: element)
      return
    }
    CKernels_sumTree(
      destination, sources.baseAddress, additions, Int64(sources.count), Int64(start), Int64(count))
  }

  /// The same, and returns the sum of the squares of the destination.
  func withSquares(
    into destination: UnsafeMutablePointer<Float>, start: Int, count: Int, element: Int? = nil
  ) -> Double {
    let sourceCount = Int64(sources.count)
    let roundsResult: Int32 = isRoot ? 0 : 1
    switch rounding.partialSums {
    case .float32:
      return CKernels_sumTreeWithSquares(
        destination, sources.baseAddress, additions, sourceCount, Int64(start), Int64(count))
    case .bfloat16:
      return CKernels_sumTreeInBfloat16(
        destination, sources.baseAddress, additions, sourceCount, Int64(start), Int64(count),
        roundsResult)
    case .int8:
      var stream = rounding.stream
      return CKernels_sumTreeInInt8(
        destination, sources.baseAddress, nodes, additions, sourceCount, Int64(start),
        Int64(count), &stream, Int64(element ?? start), roundsResult)
    }
  }
}

extension ThreadPool? {
  /// Runs tasks on the pool, or in order where there is none.
  func run(tasks: Int, _ body: (Int) -> Void) {
    guard let self, tasks > 1 else {
      for task in 0..<tasks { body(task) }
      return
    }
    self.run(tasks: tasks, body)
  }
}
