import Foundation

/// The softmax of some scores, in Double.
struct Distribution {
  let scores: [Float]
  /// log Σ exp(score).
  private let logTotal: Double

  /// - Parameter scores: At least one.
  init(_ scores: [Float]) {
    self.scores = scores
    let largest = Double(scores.max() ?? 0)
    logTotal = largest + log(scores.reduce(0) { $0 + exp(Double($1) - largest) })
  }

  func probability(of index: Int) -> Double { exp(Double(scores[index]) - logTotal) }

  /// The indices of the highest scores, the highest first; of equal ones the first.
  func highest(_ count: Int) -> [Int] {
    var found: [Int] = []
    for (index, score) in scores.enumerated() {
      if found.count == count, let last = found.last, score <= scores[last] { continue }
      let place = found.firstIndex { scores[$0] < score } ?? found.count
      found.insert(index, at: place)
      if found.count > count { found.removeLast() }
    }
    return found
  }

  /// How many scores are higher, plus one.
  func rank(of index: Int) -> Int {
    1 + scores.reduce(0) { $0 + ($1 > scores[index] ? 1 : 0) }
  }
}
