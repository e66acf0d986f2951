import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// How fast a run was, beside what is predicted for it.
public struct RunComparison: Encodable, Equatable, Sendable, CustomStringConvertible {
  /// The run's directory.
  public let run: String
  /// Optimiser steps that it took.
  public let steps: Int
  /// As `summary.json` has it.
  public let measuredTokensPerSecond: Double
  public let predictedTokensPerSecond: Double

  /// Refuses what is no finished run of as many ranks as this job has, before anything is measured.
  /// Collective.
  ///
  /// - Throws: `AgreedError` with `SummaryError` or `RunComparisonError`.
  public static func requireComparable(_ run: String, communicator: any Communicator) throws {
    try communicator.onRankZero { _ = try summary(of: run, ranks: communicator.size) }
  }

  private static func summary(of run: String, ranks: Int) throws -> RunSummary {
    guard let summary = try RunDirectory(path: run).summary() else {
      throw RunComparisonError.notFinished(run: run)
    }
    guard summary.ranks == ranks else {
      throw RunComparisonError.otherRanks(run: run, ranks: summary.ranks, here: ranks)
    }
    return summary
  }

  /// Reads the run's `summary.json` on rank zero. Collective.
  ///
  /// - Parameters:
  ///   - run: Its directory.
  ///   - prediction: Of the run's configuration, with the ranks of this job.
  /// - Throws: `AgreedError` with `SummaryError` or `RunComparisonError`.
  public init(
    of run: String, with prediction: SpeedPrediction, communicator: any Communicator
  ) throws {
    let figures = try communicator.valueFromRankZero {
      let summary = try Self.summary(of: run, ranks: communicator.size)
      return try RunComparison(of: run, summary, with: prediction).figures
    }
    self.init(run: run, figures: figures)
  }

  /// - Parameter prediction: For as many ranks as the run had.
  package init(
    of run: String, _ summary: RunSummary, with prediction: SpeedPrediction
  ) throws(RunComparisonError) {
    guard summary.threads == prediction.threads else {
      throw .otherThreads(run: run, threads: summary.threads, here: prediction.threads)
    }
    guard let step = prediction.ofThisJob else {
      throw .notPredicted(run: run, reason: prediction.notices.first ?? "this job")
    }
    self.init(
      run: run,
      figures: [Double(summary.steps), summary.tokensPerSecond, step.tokensPerSecond])
  }

  private init(run: String, figures: [Double]) {
    self.run = run
    steps = Int(figures[0])
    (measuredTokensPerSecond, predictedTokensPerSecond) = (figures[1], figures[2])
  }

  private var figures: [Double] {
    [Double(steps), measuredTokensPerSecond, predictedTokensPerSecond]
  }

  /// How much more was predicted than measured, in percent of what was measured; below 0: less.
  public var errorPercent: Double {
    100 * (predictedTokensPerSecond / measuredTokensPerSecond - 1)
  }

  private enum CodingKeys: CodingKey {
    case run, steps, measuredTokensPerSecond, predictedTokensPerSecond, errorPercent
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(run, forKey: .run)
    try container.encode(steps, forKey: .steps)
    try container.encode(measuredTokensPerSecond, forKey: .measuredTokensPerSecond)
    try container.encode(predictedTokensPerSecond, forKey: .predictedTokensPerSecond)
    try container.encode(errorPercent, forKey: .errorPercent)
  }

  public var description: String {
    let off = String(format: "%.1f %% too %@", abs(errorPercent), errorPercent < 0 ? "low" : "high")
    return String(
      format: "compared     %@: %.0f tokens/s in %d steps; the prediction of %.0f is ", run,
      measuredTokensPerSecond, steps, predictedTokensPerSecond) + off
  }
}

/// A run that this job's prediction does not go with.
public enum RunComparisonError: UserInputError, Equatable {
  case notFinished(run: String)
  case otherRanks(run: String, ranks: Int, here: Int)
  case otherThreads(run: String, threads: Int, here: Int)
  /// `reason` says for what there is no prediction.
  case notPredicted(run: String, reason: String)

  public var description: String {
    switch self {
    case .notFinished(let run):
      "\(run): holds no summary.json of its last step, which a run has when it is finished: give a run's "
        + "directory, and train it to its end before"
    case .otherRanks(let run, let ranks, let here):
      "\(run): was trained on \(ranks) rank\(ranks == 1 ? "" : "s"), and this is \(here): start doctor on "
        + "as many, on the same hosts"
    case .otherThreads(let run, let threads, let here):
      "\(run): was trained with \(threads) thread\(threads == 1 ? "" : "s") a rank, and here it would be "
        + "\(here): start doctor as the run was started"
    case .notPredicted(let run, let reason): "\(run): no prediction for \(reason)"
    }
  }
}
