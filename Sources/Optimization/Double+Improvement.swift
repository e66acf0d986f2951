extension Double {
  /// Whether this loss is better than the best so far.
  ///
  /// A loss that is not finite is worse than any other: it is never an improvement, and a best one that
  /// is not finite gives way to the first that is.
  ///
  /// - Parameters:
  ///   - best: The lowest loss so far; nil: there is none yet.
  ///   - bound: What the loss must be lower than. Default: the best.
  package func isImprovement(
    on best: Double?, below bound: (_ best: Double) -> Double = { $0 }
  ) -> Bool {
    guard isFinite else { return false }
    guard let best, best.isFinite else { return true }
    return self < bound(best)
  }
}
