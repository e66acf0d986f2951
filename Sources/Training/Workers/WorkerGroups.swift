// K workers, N ranks.

/// Which ranks play which workers.
///
/// The ranks form min(K, N) groups of neighbours, as equal as may be, and so do the workers: with fewer
/// ranks than workers a rank plays several of them in turn, with more the ranks of a group share out the
/// micro-batches of one.
package struct WorkerGroups: Equatable {
  /// K.
  package let workerCount: Int
  /// N.
  package let rankCount: Int

  package init(workerCount: Int, rankCount: Int) {
    self.workerCount = workerCount
    self.rankCount = rankCount
  }

  /// How many groups there are.
  package var count: Int { min(workerCount, rankCount) }

  package func workers(of group: Int) -> Range<Int> {
    Self.part(group, of: workerCount, parts: count)
  }

  package func ranks(of group: Int) -> Range<Int> { Self.part(group, of: rankCount, parts: count) }

  package func group(ofRank rank: Int) -> Int { ((rank + 1) * count - 1) / rankCount }

  package func group(ofWorker worker: Int) -> Int { ((worker + 1) * count - 1) / workerCount }

  /// The first rank of each group, which speaks for it.
  package var leaders: [Int] { (0..<count).map { ranks(of: $0).lowerBound } }

  private static func part(_ index: Int, of whole: Int, parts: Int) -> Range<Int> {
    index * whole / parts..<(index + 1) * whole / parts
  }
}
