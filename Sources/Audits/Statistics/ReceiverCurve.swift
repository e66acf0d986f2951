import Foundation

/// How well a score tells members from others: the higher the score, the more it speaks for a member.
package struct ReceiverCurve: Sendable {
  /// Descending.
  private let members: [Double]
  /// Descending.
  private let others: [Double]

  /// - Parameters:
  ///   - members: Scores of what was learned from, at least one.
  ///   - others: Scores of what was not, at least one.
  package init(members: [Double], others: [Double]) {
    precondition(!members.isEmpty && !others.isEmpty)
    self.members = members.sorted(by: >)
    self.others = others.sorted(by: >)
  }

  /// The area under the curve: how likely a member has the higher score of the two, ties being half; with the
  /// standard error of E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the Areas under Two or More Correlated
  /// Receiver Operating Characteristic Curves", 1988.
  package var area: (value: Double, error: Double) {
    let ofMembers = Self.placements(of: members, among: others)
    let ofOthers = Self.placements(of: others, among: members).map { 1 - $0 }
    let value = ofMembers.reduce(0, +) / Double(ofMembers.count)
    let variance =
      Self.variance(ofMembers) / Double(ofMembers.count)
      + Self.variance(ofOthers) / Double(ofOthers.count)
    return (value, variance.squareRoot())
  }

  /// For each score the share of the others that are below, half of the equal ones included.
  private static func placements(of scores: [Double], among others: [Double]) -> [Double] {
    // Both descend: where the first not above and the first below are only moves on.
    var (notAbove, below) = (0, 0)
    return scores.map { score in
      while notAbove < others.count, others[notAbove] > score { notAbove += 1 }
      below = max(below, notAbove)
      while below < others.count, others[below] >= score { below += 1 }
      let lower = others.count - below
      return (Double(lower) + Double(below - notAbove) / 2) / Double(others.count)
    }
  }

  private static func variance(_ values: [Double]) -> Double {
    guard values.count > 1 else { return 0 }
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }

  /// How many members are found where at most a share of the others is taken for members.
  ///
  /// - Parameter rate: False positives, as a share of the others.
  /// - Returns: How many members have a score above the threshold; nil where there are too few others to tell such
  ///   a rate: not one of them may be above.
  package func found(atFalsePositives rate: Double) -> Int? {
    let allowed = Int((rate * Double(others.count)).rounded(.down) + 1e-9)
    guard allowed > 0 else { return nil }
    // The threshold is the highest score of the first one that may not be above it.
    guard allowed < others.count else { return members.count }
    return members.count { $0 > others[allowed] }
  }
}
