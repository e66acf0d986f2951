import Dispatch
import Foundation
import LockstepReporting
import LockstepSettings

/// Ends this process where the ranks of its job do not find each other: until then nobody watches over them, and
/// one that is stopped, or whose host is lost, would be waited for without end.
///
/// The launcher ends the rest when one process has ended.
package final class StartLimit: Sendable {
  /// Seconds, in place of the default of 300; a number above 0.
  package static let variable = "LOCKSTEP_START_LIMIT"
  private static let defaultSeconds = 300.0

  private let isOver = DispatchSemaphore(value: 0)

  static func seconds(_ environment: [String: String]) throws(StartLimitError) -> Double {
    guard let text = environment[variable] else { return defaultSeconds }
    guard let seconds = Double(text), seconds > 0, seconds <= longestSeconds else {
      throw StartLimitError(text: text)
    }
    return seconds
  }

  /// A year.
  private static let longestSeconds = 31_536_000.0

  /// Begins to count.
  ///
  /// - Parameters:
  ///   - rank: As the launcher numbers it.
  ///   - report: Given the line that says what is wrong, before the process ends with 1.
  init(seconds: Double, rank: Int, report: @escaping @Sendable (String) -> Void) {
    let isOver = isOver
    // One after the other, so that usually one of them speaks before the launcher ends all.
    let limit = seconds + 0.2 * Double(min(rank, 50))
    Thread.detachNewThread {
      guard isOver.wait(timeout: .now() + limit) == .timedOut else { return }
      report(Self.line(seconds: seconds, rank: rank))
      _exit(ExitCode.failure.rawValue)
    }
  }

  /// The ranks have found each other.
  func end() { isOver.signal() }

  private static func line(seconds: Double, rank: Int) -> String {
    "rank \(rank) has waited \(Int(seconds)) s for the others to begin: one of them is stopped, or its host can "
      + "not be reached. The job ends; \(variable) sets another number of seconds"
  }
}

/// The environment variable is no number of seconds.
struct StartLimitError: UserInputError, Equatable {
  let text: String

  var description: String {
    "\(StartLimit.variable): found '\(text)', expected a number of seconds above 0, at most 31536000 (a year)"
  }
}
