import LockstepCommunication
import LockstepParallelism

/// Where the time of training steps went, in seconds, on one rank.
package struct StepPhases: Equatable, Sendable {
  package var forward = 0.0
  package var backward = 0.0
  /// Folding micro-batches, summing over ranks and sharing the result, waiting included.
  package var reduction = 0.0
  /// Of the reduction: until other ranks came to meet.
  package var waiting = 0.0
  /// Updating this rank's parts of the parameters.
  package var optimizer = 0.0

  package init() {}

  /// Runs `body` and adds its time to a phase.
  ///
  /// - Parameter timeline: Records it, too; nil: nobody does.
  mutating func time<Result>(
    _ phase: WritableKeyPath<StepPhases, Double>, on timeline: Timeline?,
    _ body: () throws -> Result
  ) rethrows -> Result {
    let begin = Timeline.now
    defer {
      self[keyPath: phase] += Double(Timeline.now - begin) / 1e9
      timeline?.record(Self.name(of: phase), since: begin)
    }
    return try body()
  }

  /// Counts what a forward pass waited for parameters as what it is.
  mutating func countAwaited(_ seconds: Double) {
    forward -= seconds
    reduction += seconds
  }

  private static func name(of phase: WritableKeyPath<StepPhases, Double>) -> String {
    switch phase {
    case \.forward: "forward"
    case \.backward: "backward"
    case \.optimizer: "optimizer"
    default: "reduction"
    }
  }

  /// Runs what belongs to the reduction, and tells what of its time was waiting for other ranks.
  mutating func timeReduction<Result>(
    over communicator: any Communicator, _ body: () throws -> Result
  ) rethrows -> Result {
    let before = communicator.secondsWaited
    defer { waiting += communicator.secondsWaited - before }
    return try time(\.reduction, on: communicator.timeline, body)
  }

  package static func + (one: Self, other: Self) -> Self {
    var sum = one
    sum.forward += other.forward
    sum.backward += other.backward
    sum.reduction += other.reduction
    sum.waiting += other.waiting
    sum.optimizer += other.optimizer
    return sum
  }

  package static func - (later: Self, earlier: Self) -> Self {
    var difference = later
    difference.forward -= earlier.forward
    difference.backward -= earlier.backward
    difference.reduction -= earlier.reduction
    difference.waiting -= earlier.waiting
    difference.optimizer -= earlier.optimizer
    return difference
  }
}
