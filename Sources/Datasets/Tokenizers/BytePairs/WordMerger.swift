import HeapModule

/// Merges the tokens of one word's bytes or characters into those of the word.
struct WordMerger {
  /// Up to this many bytes a search through all pairs is faster than a heap.
  private static let longestSearched = 48
  /// Worse than any rank: the pair does not merge.
  private static let unmergeable = UInt64.max

  private let ranks: PairTable
  /// The rank and result of the pair that begins at each token, as in `ranks`.
  private var candidates: [UInt64] = []

  /// - Parameter ranks: For each pair that merges, its rank in the high half, the result's id in the
  ///   low half.
  init(ranks: PairTable) {
    self.ranks = ranks
  }

  /// Merges what can be merged, in place, and returns the number of tokens that are left.
  ///
  /// - Parameters:
  ///   - tokens: The tokens of the word's bytes or characters.
  ///   - count: Their number, at least one.
  mutating func merge(_ tokens: UnsafeMutablePointer<Int32>, count: Int) -> Int {
    count <= Self.longestSearched
      ? mergeBySearch(tokens, count: count) : mergeByHeap(tokens, count: count)
  }

  private func candidate(_ left: Int32, _ right: Int32) -> UInt64 {
    ranks.value(PairTable.key(left, right)) ?? Self.unmergeable
  }

  /// O(n²) with a small constant: finds the best pair, merges it, closes the gap.
  private mutating func mergeBySearch(_ tokens: UnsafeMutablePointer<Int32>, count: Int) -> Int {
    candidates.removeAll(keepingCapacity: true)
    for index in 0..<(count - 1) {
      candidates.append(candidate(tokens[index], tokens[index + 1]))
    }
    var count = count
    while count > 1 {
      var best = 0
      var bestCandidate = candidates[0]
      for index in 1..<max(1, count - 1) where candidates[index] < bestCandidate {
        best = index
        bestCandidate = candidates[index]
      }
      if bestCandidate == Self.unmergeable { break }
      tokens[best] = Int32(truncatingIfNeeded: bestCandidate)
      for index in (best + 1)..<max(best + 1, count - 1) {
        tokens[index] = tokens[index + 1]
        candidates[index - 1] = candidates[index]
      }
      count -= 1
      if best > 0 { candidates[best - 1] = candidate(tokens[best - 1], tokens[best]) }
      if best + 1 < count { candidates[best] = candidate(tokens[best], tokens[best + 1]) }
    }
    return count
  }

  /// O(n log n): a heap of pairs over a linked list of tokens; outdated pairs are skipped.
  private func mergeByHeap(_ tokens: UnsafeMutablePointer<Int32>, count: Int) -> Int {
    var next = (0..<count).map { $0 + 1 < count ? $0 + 1 : -1 }
    var previous = (0..<count).map { $0 - 1 }
    var current = [UInt64](repeating: Self.unmergeable, count: count)
    var heap = Heap<Pair>()
    func consider(_ position: Int) {
      current[position] =
        next[position] < 0
        ? Self.unmergeable : candidate(tokens[position], tokens[next[position]])
      if current[position] != Self.unmergeable {
        heap.insert(Pair(candidate: current[position], position: position))
      }
    }
    for position in 0..<count { consider(position) }
    while let best = heap.popMin() {
      let position = best.position
      guard current[position] == best.candidate else { continue }
      let swallowed = next[position]
      tokens[position] = Int32(truncatingIfNeeded: best.candidate)
      next[position] = next[swallowed]
      if next[position] >= 0 { previous[next[position]] = position }
      current[swallowed] = Self.unmergeable
      consider(position)
      if previous[position] >= 0 { consider(previous[position]) }
    }
    var written = 0
    var position = 0
    while position >= 0 {
      tokens[written] = tokens[position]
      written += 1
      position = next[position]
    }
    return written
  }

  /// A pair that may merge: the best rank first, then the leftmost.
  private struct Pair: Comparable {
    var candidate: UInt64
    var position: Int

    static func < (left: Pair, right: Pair) -> Bool {
      (left.candidate, left.position) < (right.candidate, right.position)
    }
  }
}
