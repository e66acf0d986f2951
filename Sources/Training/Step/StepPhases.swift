/// Where the time of training steps went, in seconds, on one rank.
package struct StepPhases: Equatable, Sendable {
  package var forward = 0.0
  package var backward = 0.0
  /// Folding micro-batches, summing over ranks and sharing the result, waiting included.
  package var reduction = 0.0
  /// Updating this rank's slice of the parameters.
  package var optimizer = 0.0

  package init() {}

  /// Runs `body` and adds its time to a phase.
  mutating func time<Result>(
    _ phase: WritableKeyPath<StepPhases, Double>, _ body: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    defer { self[keyPath: phase] += start.duration(to: .now) / .seconds(1) }
    return try body()
  }

  package static func + (one: Self, other: Self) -> Self {
    var sum = one
    sum.forward += other.forward
    sum.backward += other.backward
    sum.reduction += other.reduction
    sum.optimizer += other.optimizer
    return sum
  }

  package static func - (later: Self, earlier: Self) -> Self {
    var difference = later
    difference.forward -= earlier.forward
    difference.backward -= earlier.backward
    difference.reduction -= earlier.reduction
    difference.optimizer -= earlier.optimizer
    return difference
  }
}
