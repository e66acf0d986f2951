import Foundation
import LockstepFiles

/// What a run is doing, as far as its files tell.
package enum RunState: String, Encodable, Sendable {
  /// A configuration is there and no step yet.
  case waiting
  case running
  case finished
  /// Its last step is saved, and nobody goes on with it.
  case stopped
  /// No line has come for long; it may have ended, or be computing elsewhere.
  case quiet

  /// What is known of a run.
  package struct Signs {
    package var hasSummary: Bool
    /// That the summary tells of.
    package var summarySteps: Int?
    package var lastStep: Int
    /// The step of the newest checkpoint.
    package var checkpointStep: Int?
    /// Whether a process of this machine holds the run's lock.
    package var isLocked: Bool
    /// Since the metrics were last written to; nil where there are none.
    package var secondsOfSilence: Double?
    /// Between the last lines.
    package var secondsPerStep: Double?

    package init(
      hasSummary: Bool, summarySteps: Int?, lastStep: Int, checkpointStep: Int?, isLocked: Bool,
      secondsOfSilence: Double?, secondsPerStep: Double?
    ) {
      (self.hasSummary, self.summarySteps, self.lastStep) = (hasSummary, summarySteps, lastStep)
      (self.checkpointStep, self.isLocked) = (checkpointStep, isLocked)
      (self.secondsOfSilence, self.secondsPerStep) = (secondsOfSilence, secondsPerStep)
    }
  }

  /// Silence that is long for any run, in seconds.
  static let longSilence = 60.0

  package init(_ signs: Signs) {
    let patience = max(Self.longSilence, 10 * (signs.secondsPerStep ?? 0))
    let isSilent = signs.secondsOfSilence.map { $0 > patience } ?? true
    if signs.hasSummary, signs.lastStep <= signs.summarySteps ?? .max, !signs.isLocked {
      self = .finished
    } else if signs.isLocked || !isSilent {
      self = signs.lastStep == 0 ? .waiting : .running
    } else if signs.lastStep > 0, signs.checkpointStep == signs.lastStep {
      self = .stopped
    } else {
      self = .quiet
    }
  }
}

/// Locks that processes of this machine hold, without taking part: asking for a lock, even for an
/// instant, could make a training that begins believe that another one is there.
enum HeldLocks {
  /// Whether a process holds a lock on a file, by what Linux lists; false where nobody can tell.
  static func contain(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0,
      let list = try? FileContents.read("/proc/locks", limit: 4 << 20)
    else { return false }
    // "1: FLOCK  ADVISORY  WRITE 4021 08:01:262147 0 EOF"; the device differs from `stat`'s on some
    // file systems.
    let ending = ":\(status.st_ino)"
    return String(decoding: list, as: UTF8.self).split(separator: "\n").contains { line in
      let words = line.split(separator: " ")
      return words.count >= 6 && words.contains("FLOCK") && words.contains("WRITE")
        && words.contains { $0.hasSuffix(ending) && $0.count(where: { $0 == ":" }) == 2 }
    }
  }
}
