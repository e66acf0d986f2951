import Foundation
import LockstepFiles
import LockstepReporting

/// What came of one run of a trial so far: stored beside its directory when it stops.
package struct RunRecord: Codable, Equatable, Sendable {
  package enum State: String, Codable, Sendable {
    /// Compared with others after some of its steps; may go on.
    case paused
    case finished
    /// The loss, the gradient or the metric was not finite.
    case diverged
    /// An error ended it.
    case failed
    /// A signal stopped it before it could be compared.
    case stopped
  }

  package let trial: Int
  package let fold: Int?
  package var state: State
  /// Why it ended early.
  package var reason: String?
  /// What was measured at the end of each rung that it reached.
  package var measurements: [Measurement] = []
  package var parametersSHA256: String?
  /// Spent in optimiser steps.
  package var seconds: Double = 0

  package init(_ run: PlannedRun) {
    (trial, fold, state) = (run.trial, run.fold, .stopped)
  }

  /// Figures by their names, as in `summary.json`.
  package struct Measurement: Codable, Equatable, Sendable {
    /// Optimiser steps taken.
    package let steps: Int
    package let values: [String: Double]
  }

  /// What it is compared by at the end of a rung; nil where it has not come so far.
  func measurement(rung: Int) -> Measurement? {
    if measurements.indices.contains(rung) { return measurements[rung] }
    // A run that stopped by itself, before its last step, has nothing more to show.
    return state == .finished ? measurements.last : nil
  }

  /// Whether there is something left to do up to the end of a rung. What failed for an outer reason
  /// is tried again when the sweep is resumed; what diverged would diverge again.
  func isPending(rung: Int) -> Bool { isOpen && measurement(rung: rung) == nil }

  /// Whether the run may go on.
  var isOpen: Bool {
    switch state {
    case .diverged, .failed, .finished: false
    case .paused, .stopped: true
    }
  }

  // MARK: - Storage

  package static func decode(_ bytes: some Sequence<UInt8>) throws -> [RunRecord] {
    try JSONFormat.decoder.decode([RunRecord].self, from: Data(bytes))
  }

  package static func encode(_ records: [RunRecord]) throws -> [UInt8] {
    Array(try JSONFormat.encoder().encode(records))
  }
}
