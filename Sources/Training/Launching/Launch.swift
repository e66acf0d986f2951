import Foundation
import LockstepCommunication

/// Starts a rank the way the process was started, and ends it so that all ranks end together.
public struct Launch: Sendable {
  public let environment: LaunchEnvironment

  /// "mpirun, 4 ranks on 2 hosts", "one process without MPI".
  public func description(of topology: Topology) -> String {
    guard environment.usesMPI else { return "one process, without MPI" }
    let ranks = "\(topology.size) rank\(topology.size == 1 ? "" : "s")"
    let hosts = "\(topology.hostCount) host\(topology.hostCount == 1 ? "" : "s")"
    return "\(ranks) on \(hosts), over MPI (\(environment.launcher.rawValue))"
  }

  /// Runs `body` on this rank and ends the process.
  ///
  /// Under an MPI launcher MPI is initialised first; otherwise it never is. An error that all ranks
  /// know of (see `Communicator.agree`) ends them in order, with one message on standard error; any
  /// other one ends the job.
  ///
  /// - Parameter body: Returns what the process ends with.
  public static func run(
    _ body: (_ communicator: any Communicator, _ launch: Launch) throws -> ExitCode
  ) -> Never {
    let launch = Launch(environment: LaunchEnvironment(ProcessInfo.processInfo.environment))
    do {
      guard launch.environment.usesMPI else {
        exit(try body(SoloCommunicator(), launch).rawValue)
      }
      try run(body, launch, in: MPISession())
    } catch {
      report(error)
      exit(ExitCode(of: error).rawValue)
    }
  }

  private static func run(
    _ body: (_ communicator: any Communicator, _ launch: Launch) throws -> ExitCode,
    _ launch: Launch, in session: MPISession
  ) -> Never {
    do {
      let code = try body(session.communicator, launch)
      try session.finish()
      exit(code.rawValue)
    } catch let error as AgreedError {
      if error.speaks { report(error) }
      try? session.finish()
      exit(error.exitCode.rawValue)
    } catch {
      session.communicator.abort(because: error, exitCode: ExitCode(of: error).rawValue)
      exit(ExitCode.failure.rawValue)
    }
  }

  /// One message, after the name of the program.
  private static func report(_ error: any Error) {
    let program = ProcessInfo.processInfo.processName
    FileHandle.standardError.write(Data("\(program): \(error)\n".utf8))
  }
}
