import Foundation
import LockstepCommunication
import LockstepSettings

extension LaunchEnvironment {
  /// Refuses several ranks, which would all read the same lines.
  ///
  /// - Parameter command: What errors call it.
  static func requireOneProcess(for command: String) throws {
    let environment = LaunchEnvironment(ProcessInfo.processInfo.environment)
    guard environment.usesMPI && environment.size != 1 else { return }
    throw environment.rank == 0
      ? SeveralRanksError(command: command) : CommandExit(code: .usage)
  }
}

/// A command that is one process was started as several.
struct SeveralRanksError: UserInputError {
  let command: String

  var description: String {
    "lockstep \(command) is one process, whose threads share the work: start it without a launcher"
  }
}
