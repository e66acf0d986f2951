import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepTensors

/// Measures a loss on held-out batches, shared out over all ranks.
///
/// Every batch's loss reaches every rank, and all add them up in the order of the batches: the
/// result does not depend on the number of ranks.
public struct Evaluator {
  private let communicator: any Communicator
  private let workspace: Workspace

  public init(communicator: any Communicator, workspace: Workspace) {
    self.communicator = communicator
    self.workspace = workspace
  }

  /// The mean loss of batches 0 ..< count. Collective.
  ///
  /// - Parameters:
  ///   - count: How many batches.
  ///   - metrics: What else is measured: a batch's loss comes with the sums of these. Default: none.
  ///   - loss: The loss of one batch; nothing is recorded and dropout is off.
  /// - Throws: `AgreedError` where the loss could not be computed on a rank.
  public func run(
    count: Int, metrics: [Metric] = [], _ loss: (Int) throws -> BatchLoss
  ) throws -> EvaluationResult {
    let evaluation = try measure(count: count, metrics: metrics, until: nil, loss)
    guard case .result(let result) = evaluation else {
      preconditionFailure("an evaluation was left that nobody can ask to stop")
    }
    return result
  }

  /// The same, left by all ranks where a stop is asked for on any: they look for it about once a second. Collective.
  func run(
    count: Int, metrics: [Metric], until stop: StopRequest, _ loss: (Int) throws -> BatchLoss
  ) throws -> Evaluation {
    try measure(count: count, metrics: metrics, until: stop, loss)
  }

  /// - Parameter stop: Nil: nobody asks for one, and ranks meet at the end alone.
  private func measure(
    count: Int, metrics: [Metric], until stop: StopRequest?, _ loss: (Int) throws -> BatchLoss
  ) throws -> Evaluation {
    let wasTraining = workspace.isTraining
    workspace.isTraining = false
    defer { workspace.isTraining = wasTraining }
    let (rank, size) = (communicator.rank, communicator.size)
    let mine = rank * count / size..<(rank + 1) * count / size
    let sumCount = metrics.reduce(0) { $0 + $1.sumCount }
    let width = 2 + sumCount
    // As many numbers from every rank as the largest share has.
    var measured = [Double](repeating: 0, count: width * ((count + size - 1) / size))
    var rounds = EvaluationRounds(of: (count + size - 1) / size, areOne: stop == nil)
    while let round = rounds.next() {
      let start = ContinuousClock.now
      try communicator.agree {
        try workspace.withoutRecording {
          for place in round.clamped(to: 0..<mine.count) {
            let result = try loss(mine.lowerBound + place)
            precondition(
              result.sums.count == sumCount,
              "a batch of held-out data comes with \(result.sums.count) sums; its metrics have \(sumCount)"
            )
            let numbers = [Double(result.sum.item), Double(result.targetCount)] + result.sums
            measured.replaceSubrange(place * width..<(place + 1) * width, with: numbers)
          }
        }
      }
      guard let stop, !rounds.isOver else { continue }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let ranks = try communicator.allGather([Double(stop.signal ?? 0), seconds])
      if let signal = ranks.map({ $0[0] }).max(), signal > 0 { return .left(signal: Int32(signal)) }
      rounds.record(seconds: ranks.map { $0[1] }.max() ?? 0)
    }
    let gathered = try communicator.allGather(measured)
    var totals = [Double](repeating: 0, count: width)
    var firstNotFinite: Int?
    for (rank, values) in gathered.enumerated() {
      let first = rank * count / size
      for place in 0..<((rank + 1) * count / size - first) {
        for index in 0..<width { totals[index] += values[place * width + index] }
        if firstNotFinite == nil, !values[place * width].isFinite { firstNotFinite = first + place }
      }
    }
    return .result(EvaluationResult(totals, metrics: metrics, firstNotFinite: firstNotFinite))
  }
}

/// What came of an evaluation that may be left.
enum Evaluation {
  case result(EvaluationResult)
  /// A stop was asked for meanwhile, by this signal.
  case left(signal: Int32)
}

/// Between which batches of an evaluation the ranks meet: after one, and then ever more, until a round takes about a
/// second. The same on all ranks, which share the times.
private struct EvaluationRounds {
  /// Batches of the rank that has most.
  private let count: Int
  private var place = 0
  private var length: Int

  /// - Parameter areOne: Whether all batches are one round.
  init(of count: Int, areOne: Bool) {
    self.count = count
    length = areOne ? count : 1
  }

  /// Whether all batches have been in a round.
  var isOver: Bool { place >= count }

  /// The places of the next batches among a rank's own; nil: there are none left.
  mutating func next() -> Range<Int>? {
    guard !isOver else { return nil }
    let start = place
    place = min(count, start + length)
    return start..<place
  }

  /// Takes in how long the slowest rank took for the last round.
  mutating func record(seconds: Double) {
    if seconds < 1 { length *= 2 } else if seconds > 2 { length = max(1, length / 2) }
  }
}

/// A loss on held-out data, and what else was measured.
public struct EvaluationResult: Sendable, Equatable {
  public let total: MeanLoss
  /// Those that are defined, in the task's order.
  public let metrics: [MetricValue]
  /// The first batch whose loss is not finite, from 0; nil where all are.
  public let firstNotFinite: Int?

  /// - Parameter totals: The loss, the number of targets, then the sums of each metric.
  fileprivate init(_ totals: [Double], metrics: [Metric], firstNotFinite: Int?) {
    self.firstNotFinite = firstNotFinite
    let total = MeanLoss(sum: totals[0], targetCount: Int(totals[1]))
    var place = 2
    self.total = total
    self.metrics = metrics.compactMap { metric in
      let sums = Array(totals[place..<place + metric.sumCount])
      place += metric.sumCount
      return metric.value(total, sums).map { MetricValue(metric.key, $0) }
    }
  }

  /// Mean loss of a target.
  public var loss: Double { total.mean }
  public var targetCount: Int { total.targetCount }
}

extension EvaluationResult {
  /// What the user of a run should know of it; nil where the loss is finite.
  func notice(step: Int) -> String? {
    firstNotFinite.map { batch in
      """
      the validation loss of step \(step) is \(loss.isNaN ? "not a number" : "infinite"), first in \
      batch \(batch) of the held-out data: it counts as worse than any other, and the run goes on
      """
    }
  }
}
