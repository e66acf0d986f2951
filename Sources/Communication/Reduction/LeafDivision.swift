/// Which rank computes which leaves of a `CanonicalTree`: each rank some that follow each other, in the order of the
/// ranks.
///
/// Sums do not depend on it: a rank with a slower processor can have fewer.
public struct LeafDivision: Equatable, Sendable {
  /// How many leaves each rank has, at least 1 each; [N].
  public let counts: [Int]
  /// Where the leaves of each rank begin, and the end; [N + 1].
  private let starts: [Int]

  /// - Parameter counts: At least one rank, each with at least 1.
  public init(counts: [Int]) {
    precondition(
      !counts.isEmpty && counts.allSatisfy { $0 >= 1 }, "each rank has a micro-batch: \(counts)")
    self.counts = counts
    starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  /// As evenly as can be: rank r of N computes r·M/N ..< (r+1)·M/N.
  ///
  /// - Parameters:
  ///   - leafCount: M.
  ///   - size: N, at most M.
  public init(leafCount: Int, size: Int) {
    precondition(size <= leafCount, "\(size) ranks are more than \(leafCount) micro-batches")
    self.init(counts: (0..<size).map { ($0 + 1) * leafCount / size - $0 * leafCount / size })
  }

  /// M.
  public var leafCount: Int { starts[counts.count] }
  /// N.
  public var size: Int { counts.count }

  /// The leaves of a rank.
  public func leaves(of rank: Int) -> Range<Int> { starts[rank]..<starts[rank + 1] }

  /// The leaves of consecutive ranks.
  public func leaves(of ranks: Range<Int>) -> Range<Int> {
    starts[ranks.lowerBound]..<starts[ranks.upperBound]
  }

  /// The rank that computes a leaf.
  public func owner(ofLeaf leaf: Int) -> Int {
    precondition((0..<leafCount).contains(leaf), "\(leaf) is none of \(leafCount) leaves")
    return (starts.firstIndex { $0 > leaf } ?? starts.count) - 1
  }
}
