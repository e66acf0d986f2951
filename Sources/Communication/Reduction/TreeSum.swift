import CLockstepKernels
import LockstepParallelism

/// How the nodes of a reduction's tree are kept and sent.
public enum PartialSums: Sendable {
  /// As they are.
  case float32
  /// Rounded to bfloat16, micro-batches' gradients included: all nodes but the root. So it is on every
  /// number of ranks, whatever is sent.
  case bfloat16
}

/// The sum of several vectors in the order of a tree, ready to be computed on any range.
final class TreeSum {
  /// Where each vector begins. May be moved between computations.
  let sources: UnsafeMutableBufferPointer<UnsafePointer<Float>?>
  private let additions: [UInt8]
  private let partialSums: PartialSums
  private let isRoot: Bool

  /// - Parameters:
  ///   - sources: From left to right; at least one.
  ///   - additions: See `CanonicalTree.additions(joining:)`.
  ///   - partialSums: How nodes are kept. Default: as they are.
  ///   - isRoot: Whether the sum is the root of the tree. Default: false.
  init(
    _ sources: [UnsafePointer<Float>?], additions: [UInt8], partialSums: PartialSums = .float32,
    isRoot: Bool = false
  ) {
    self.partialSums = partialSums
    self.isRoot = isRoot
    precondition(!sources.isEmpty && sources.count == additions.count, "one count for each source")
    self.sources = .allocate(capacity: sources.count)
    _ = self.sources.initialize(fromContentsOf: sources)
    self.additions = additions
  }

  deinit { sources.deallocate() }

  /// destination[i] = sum of sources[…][start + i], for i in 0 ..< count.
  func callAsFunction(into destination: UnsafeMutablePointer<Float>, start: Int, count: Int) {
    if partialSums == .bfloat16 {
      _ = rounded(into: destination, start: start, count: count)
      return
    }
    additions.withUnsafeBufferPointer { additions in
      CKernels_sumTree(
        destination, sources.baseAddress, additions.baseAddress, Int64(sources.count),
        Int64(start), Int64(count))
    }
  }

  /// The same, and returns the sum of the squares of the destination.
  func withSquares(into destination: UnsafeMutablePointer<Float>, start: Int, count: Int) -> Double
  {
    if partialSums == .bfloat16 { return rounded(into: destination, start: start, count: count) }
    return additions.withUnsafeBufferPointer { additions in
      CKernels_sumTreeWithSquares(
        destination, sources.baseAddress, additions.baseAddress, Int64(sources.count),
        Int64(start), Int64(count))
    }
  }

  private func rounded(
    into destination: UnsafeMutablePointer<Float>, start: Int, count: Int
  ) -> Double {
    additions.withUnsafeBufferPointer { additions in
      CKernels_sumTreeInBfloat16(
        destination, sources.baseAddress, additions.baseAddress, Int64(sources.count),
        Int64(start), Int64(count), isRoot ? 0 : 1)
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
