import LockstepOptimization

/// How the workers' changes move the run's parameters.
protocol OuterMethod: AnyObject {
  /// What it remembers from round to round.
  var states: [OptimizerState] { get }

  /// Moves what of the parameters is this rank's to move. Collective among all ranks of the run.
  ///
  /// - Parameters:
  ///   - parameters: The run's, [P]; the same on all hosts.
  ///   - workers: Those that this rank plays, at the end of a round.
  ///   - step: Optimiser steps taken.
  ///   - round: Of so many steps each, from 1.
  func move(
    _ parameters: UnsafeMutableBufferPointer<Float>, by workers: [Worker], step: Int, round: Int
  ) throws

  /// Lets all ranks have what each has moved. Collective.
  ///
  /// - Parameter words: What each rank tells all others.
  /// - Returns: The words of each rank.
  func share(contributing words: [UInt64]) throws -> [[UInt64]]
}
