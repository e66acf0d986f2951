import Foundation
import LockstepCheckpoints
import LockstepFiles
import LockstepSettings

/// What a process ends with.
public struct ExitCode: RawRepresentable, Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  public static let success = ExitCode(rawValue: 0)
  /// The run failed.
  public static let failure = ExitCode(rawValue: 1)
  /// The user's input is wrong.
  public static let usage = ExitCode(rawValue: 2)
  /// Stopped on request, after saving (EX_TEMPFAIL of sysexits.h: try again).
  public static let stopped = ExitCode(rawValue: 75)

  /// The code that an error ends the process with.
  public init(of error: any Error) {
    switch error {
    case let error as AgreedError: self = error.exitCode
    case is any UserInputError: self = .usage
    // A key that is missing, or another one.
    case CheckpointError.fileSystem(let error): self.init(of: error)
    case let error as FileError where [ENOKEY, EKEYREJECTED].contains(error.code): self = .usage
    default: self = .failure
    }
  }
}
