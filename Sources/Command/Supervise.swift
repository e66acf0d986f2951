import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepSettings
import LockstepSupervision
import LockstepTraining

struct Supervise: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains, and starts again on what is left when a rank or a host is lost.",
    discussion: """
      It is started plainly, not by mpirun: it starts mpirun itself, on the hosts of a file (--hosts), \
      of the Slurm job that it is in, or on this machine (--ranks). A run that is there goes on. The \
      result is that of a run that nothing happened to, bit for bit.

      A lost host is tried again later; when it answers, or another one comes into the file, the run \
      is saved and goes on with it. SIGTERM, SIGINT, SIGHUP and SIGUSR1 save the run and end it with \
      exit code 75. SIGINT after any of them, or a second SIGTERM 5 seconds or more after the first, ends it \
      at once.
      """)

  @Argument(help: "The configuration, YAML.")
  var configuration: String?

  @OptionGroup var arguments: RunArguments

  @Option(
    help: ArgumentHelp(
      "The hosts, a line for each: node1 slots=2. It is read again when it changes.",
      valueName: "file"))
  var hosts: String?

  @Option(help: "Ranks on this machine. Default: 1, or the hosts of the Slurm job.")
  var ranks: Int?

  @Option(
    help: """
      Threads of each rank, which is bound to as many cores; one rank on this machine is not bound. Default: a \
      rank's share of its machine, not bound.
      """)
  var threads: Int?

  @Option(help: "The most restarts after failures.")
  var restarts = 100

  @Option(help: "The most starts in a row that come to no new checkpoint.")
  var attempts = 5

  @Option(help: "Seconds without an answer after which a host counts as lost.")
  var patience = 5.0

  @Option(
    help: """
      Seconds until a lost host is tried again, from 1 to 600. The wait doubles after each further loss and \
      each failed try, up to 600.
      """)
  var retry = 15.0

  /// On another host: keeps the supervisor's connection, and ends what the job of this mark has there.
  @Option(help: .hidden)
  var keep: String?

  @OptionGroup var key: KeyArguments

  func validate() throws {
    if key.keyDescriptor != nil {
      throw ValidationError(
        "--key-descriptor can be read once, and the run may be started again; give --key-file or "
          + "--key-command")
    }
    guard configuration != nil || keep != nil else {
      throw ValidationError("Missing expected argument '<configuration>'")
    }
    guard hosts == nil || ranks == nil else {
      throw ValidationError(
        "--hosts and --ranks exclude each other: the file has each host's slots")
    }
    for (option, value) in [("--ranks", ranks), ("--threads", threads)] {
      try Requirement.within(1...4096).check(value, of: option)
    }
    try Requirement.atLeast(0).check(restarts, of: "--restarts")
    try Requirement.atLeast(1).check(attempts, of: "--attempts")
    try Requirement.within(3...3600).check(patience, of: "--patience")
    try Requirement.within(SupervisionOptions.retryIntervals).check(retry, of: "--retry")
  }

  func run() throws {
    if let keep { return Keeper(mark: keep, patience: patience).run() }
    guard let configuration else { return }
    try LaunchEnvironment.requireOneProcess(for: "supervise")
    if let name = FileContents.name(ofDescriptor: configuration) {
      throw ValidationError(
        "the configuration comes from \(name), which can be read once: give a file, since the run may "
          + "be started again")
    }
    let resolved = try RunConfiguration.load(
      path: configuration, overrides: arguments.overrides)
    let output = arguments.directory(for: configuration)
    let words =
      [configuration, "--output", output] + arguments.overrides.flatMap { ["--set", $0] }
      + (arguments.quiet ? ["--quiet"] : []) + (arguments.json ? ["--json"] : []) + key.words
    let supervisor = try Supervisor(
      SupervisionOptions(
        arguments: words, output: output, hosts: chosenHosts,
        rankLimit: resolved.plan.rankLimit, threads: threads, restarts: restarts,
        attempts: attempts, patience: patience, retryInterval: retry))
    throw CommandExit(code: try supervisor.run())
  }

  private var chosenHosts: SupervisionOptions.Hosts {
    if let hosts { return .file(hosts) }
    if let ranks { return .here(ranks: ranks) }
    let isInSlurm = ProcessInfo.processInfo.environment["SLURM_JOB_NODELIST"] != nil
    return isInSlurm ? .slurm : .here(ranks: 1)
  }
}
