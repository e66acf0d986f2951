import Foundation
import LockstepCommunication
import LockstepSettings

/// How long the ranks of a job wait for each other before they have found each other and after they have parted:
/// then nobody watches over them, and one that is stopped, or whose host is lost, would be waited for without end.
package struct StartLimit: Sendable {
  /// Seconds, in place of the default of 300; a number above 0.
  package static let variable = "LOCKSTEP_START_LIMIT"
  private static let defaultSeconds = 300.0
  /// A year.
  private static let longestSeconds = 31_536_000.0

  let seconds: Double

  init(_ environment: [String: String]) throws(StartLimitError) {
    guard let text = environment[Self.variable] else {
      seconds = Self.defaultSeconds
      return
    }
    guard let seconds = Double(decimal: text), seconds > 0, seconds <= Self.longestSeconds else {
      throw StartLimitError(text: text)
    }
    self.seconds = seconds
  }

  /// Counts while the ranks find each other.
  ///
  /// - Parameters:
  ///   - rank: As the launcher numbers it.
  ///   - report: Given the line that says what is wrong, before the process ends.
  func beforeTheBegin(
    rank: Int, report: @escaping @Sendable (String) -> Void
  ) -> WaitLimit {
    limit(
      rank: rank, "for the others to begin: one of them is stopped, or its host can not be reached",
      report)
  }

  /// Counts while the ranks end communication, all of which have done their work.
  func afterTheEnd(rank: Int, report: @escaping @Sendable (String) -> Void) -> WaitLimit {
    limit(
      rank: rank,
      "for the others to end MPI, after all work was done: one of them is stopped, or its host is lost",
      report)
  }

  private func limit(
    rank: Int, _ reason: String, _ report: @escaping @Sendable (String) -> Void
  ) -> WaitLimit {
    WaitLimit(seconds: seconds, rank: rank) { [seconds] in
      report(
        "rank \(rank) has waited \(Int(seconds)) s \(reason). The job ends; \(Self.variable) sets another "
          + "number of seconds")
    }
  }
}

/// The environment variable is no number of seconds.
struct StartLimitError: UserInputError, Equatable {
  let text: String

  var description: String {
    "\(StartLimit.variable): found '\(text)', expected a number of seconds above 0, at most 31536000 (a year)"
  }
}
