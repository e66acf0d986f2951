import LockstepCommunication

/// Deals a step's micro-batches out by how fast the ranks are, so that none waits long for another.
///
/// A rank keeps at least one, and the order of the ranks stays, so that the tree over the micro-batches, and with it
/// every bit, is the same.
package struct Rebalancing {
  /// A division that is better than the one before.
  package struct Change: Equatable, Sendable {
    package let division: LeafDivision
    /// Seconds that each rank takes for a micro-batch.
    package let paces: [Double]
    /// Seconds of the slowest rank's passes in a step, before and, as far as one can tell, from now on.
    package let before: Double
    package let after: Double
  }

  /// Seconds of passes of the slowest rank on which a decision is founded.
  package static let leastSeconds = 5.0
  /// What a change must save of the slowest rank's time: new memory is taken for it.
  package static let leastGain = 0.05

  /// Which rank computes which micro-batches now.
  package private(set) var division: LeafDivision
  private let leastSeconds: Double
  /// Whether a division could not be had, after which none is looked for any more.
  private var isOver = false
  /// Of forward and backward passes since the last decision, and the steps in which they were taken.
  private var (seconds, steps): ([Double], Int)

  /// - Parameters:
  ///   - leafCount: M.
  ///   - size: N.
  ///   - leastSeconds: Default: `Rebalancing.leastSeconds`.
  package init(leafCount: Int, size: Int, leastSeconds: Double = Self.leastSeconds) {
    division = LeafDivision(leafCount: leafCount, size: size)
    self.leastSeconds = leastSeconds
    (seconds, steps) = ([Double](repeating: 0, count: size), 0)
  }

  /// Takes in what all ranks did in some steps.
  ///
  /// - Parameters:
  ///   - seconds: Of each rank's forward and backward passes.
  ///   - steps: In which these were taken.
  /// - Returns: Nil where it is too early, or where the division stays.
  package mutating func record(seconds: [Double], steps: Int) -> Change? {
    if isOver { return nil }
    for rank in seconds.indices { self.seconds[rank] += seconds[rank] }
    self.steps += steps
    guard let most = self.seconds.max(), most >= leastSeconds else { return nil }
    let paces = zip(self.seconds, division.counts).map { $0 / Double($1 * self.steps) }
    (self.seconds, self.steps) = (self.seconds.map { _ in 0 }, 0)
    let better = LeafDivision(counts: Self.counts(leafCount: division.leafCount, paces: paces))
    let (before, after) = (Self.time(division, paces), Self.time(better, paces))
    guard after < (1 - Self.leastGain) * before else { return nil }
    division = better
    return Change(division: better, paces: paces, before: before, after: after)
  }

  /// The change that was recorded last could not be made: the division stays as it was, from now on.
  package mutating func giveUp(returningTo division: LeafDivision) {
    self.division = division
    isOver = true
  }

  /// Seconds of the slowest rank's passes in a step.
  private static func time(_ division: LeafDivision, _ paces: [Double]) -> Double {
    zip(division.counts, paces).map { Double($0) * $1 }.max() ?? 0
  }

  /// How many leaves each rank gets so that the last one is done as early as can be: one after the other goes to the
  /// rank that would be done with it first, the lower one of two.
  static func counts(leafCount: Int, paces: [Double]) -> [Int] {
    var counts = [Int](repeating: 1, count: paces.count)
    for _ in paces.count..<leafCount {
      let rank = counts.indices.min {
        Double(counts[$0] + 1) * paces[$0] < Double(counts[$1] + 1) * paces[$1]
      }
      counts[rank ?? 0] += 1
    }
    return counts
  }
}

extension Rebalancing.Change {
  /// What is said where a host lacks memory for it.
  ///
  /// - Parameter step: After which it would have happened.
  package func refusal(step: Int) -> String {
    "after step \(step) micro-batches stay dealt out as they are, and rebalance is off until the run is started "
      + "again: a host has too little memory available for \(each)"
  }

  /// The division in words: "6, 2", or of many ranks "1 to 6 a rank".
  private var each: String {
    guard paces.count > 16 else {
      return division.counts.map(String.init).joined(separator: ", ")
    }
    return "\(division.counts.min() ?? 0) to \(division.counts.max() ?? 0) a rank"
  }

  /// - Parameter step: After which it happens.
  package func notice(step: Int) -> String {
    func milliseconds(_ seconds: Double) -> String {
      seconds < 0.01 ? "\((seconds * 10_000).rounded() / 10)" : "\(Int((seconds * 1000).rounded()))"
    }
    let times =
      paces.count > 16
      ? "\(milliseconds(paces.min() ?? 0)) to \(milliseconds(paces.max() ?? 0))"
      : paces.map(milliseconds).joined(separator: ", ")
    return
      "after step \(step): micro-batches of the ranks are now \(each) (\(times) ms each), so that the slowest "
      + "rank takes \(milliseconds(after)) ms of a step instead of \(milliseconds(before)) ms"
  }
}
