import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepReporting
import LockstepSettings

/// Starts a rank the way the process was started, and ends it so that all ranks end together.
public struct Launch: Sendable {
  public let environment: LaunchEnvironment
  /// What the ranks of several processes talk to each other by.
  public let library: MessageLibrary

  /// How long ranks wait for each other until a configuration says so, and after their work.
  private let limit: StartLimit

  /// `limit` as the process watch takes it.
  public var startLimits: WatchLimits { WatchLimits(end: .seconds(limit.seconds)) }

  /// "mpirun, 4 ranks on 2 hosts", "one process without MPI".
  public func description(of topology: Topology) -> String {
    guard environment.usesMPI else { return "one process, without MPI" }
    let ranks = "\(topology.size) rank\(topology.size == 1 ? "" : "s")"
    let hosts = "\(topology.hostCount) host\(topology.hostCount == 1 ? "" : "s")"
    return "\(ranks) on \(hosts), over MPI (\(environment.launcher.rawValue))"
  }

  /// Runs `body` on this rank and ends the process.
  ///
  /// Under a launcher the library is begun first; otherwise it never is. An error that all ranks
  /// know of (see `Communicator.agree`) ends them in order, with one message on standard error; any
  /// other one ends the job.
  ///
  /// - Parameters:
  ///   - library: What makes ranks of processes: `.mpi` of the module LockstepMPICommunication.
  ///     Default: none, and a launcher is refused, since each of its processes would train alone.
  ///   - body: Returns what the process ends with.
  public static func run(
    over library: MessageLibrary = .oneProcess,
    _ body: (_ communicator: any Communicator, _ launch: Launch) throws -> ExitCode
  ) -> Never {
    let variables = ProcessInfo.processInfo.environment
    let environment = LaunchEnvironment(variables)
    do {
      let launch = Launch(
        environment: environment, library: library,
        limit: try StartLimit(variables))
      guard environment.usesMPI else {
        exit(try body(SoloCommunicator(), launch).rawValue)
      }
      switch library {
      case .present where environment.lacksProcessManagement:
        throw UnmanagedLaunchError(environment: environment)
      case .present(_, let begin):
        let limit = launch.limit.beforeTheBegin(rank: environment.rank, report: report)
        try run(body, launch, until: limit, in: begin())
      case .absent(let remedy): throw MissingLibraryError(environment: environment, remedy: remedy)
      }
    } catch {
      // Processes that can not reach each other do not agree on which one prints; the launcher has numbered
      // them.
      let isSilent =
        error is MissingLibraryError || error is UnmanagedLaunchError || error is StartLimitError
      if !isSilent || environment.rank == 0 { report("\(error)") }
      exit(ExitCode(of: error).rawValue)
    }
  }

  private static func run(
    _ body: (_ communicator: any Communicator, _ launch: Launch) throws -> ExitCode,
    _ launch: Launch, until start: WaitLimit, in session: any CommunicationSession
  ) -> Never {
    func beginEnd() {
      _ = launch.limit.afterTheEnd(rank: session.communicator.rank, report: report)
    }
    do {
      try session.communicator.requireSame(Fingerprint(library: launch.library))
      start.end()
      let code = try body(session.communicator, launch)
      guard code != .success else {
        try session.finish(whenAllHaveCome: beginEnd)
        exit(code.rawValue)
      }
      try session.finish(exitCode: code.rawValue, whenAllHaveCome: beginEnd)
      exit(code.rawValue)
    } catch let error as AgreedError {
      if error.speaks { report("\(error)") }
      try? session.finish(exitCode: error.exitCode.rawValue, whenAllHaveCome: beginEnd)
      exit(error.exitCode.rawValue)
    } catch {
      session.communicator.abort(because: error, exitCode: ExitCode(of: error).rawValue)
      exit(ExitCode.failure.rawValue)
    }
  }

  /// One message, after the name of the program.
  @Sendable private static func report(_ text: String) {
    let program = ProcessInfo.processInfo.processName
    DescriptorOutput(descriptor: STDERR_FILENO).write("\(program): \(text)".visible + "\n")
  }
}

/// A launcher started the processes of a program that has nothing to make ranks of them with.
struct MissingLibraryError: UserInputError, Equatable {
  let environment: LaunchEnvironment
  let remedy: String

  var description: String {
    let number = environment.size.map { "rank \(environment.rank) of \($0)" } ?? "one of its ranks"
    return """
      \(environment.launcher.rawValue) started this program as \(number), but it has no MPI. \(remedy)
      """
  }
}

/// A launcher started several processes that can not find each other.
struct UnmanagedLaunchError: UserInputError, Equatable {
  let environment: LaunchEnvironment

  var description: String {
    let number = environment.size.map { "\($0) tasks" } ?? "tasks"
    return """
      srun started \(number) without PMIx, so that they can not find each other. Start them with \
      srun --mpi=pmix (srun --mpi=list shows what this Slurm has), or with mpirun in the job's script, as \
      launch/slurm.sbatch does
      """
  }
}
