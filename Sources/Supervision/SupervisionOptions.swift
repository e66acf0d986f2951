import Foundation
import LockstepFiles
import LockstepTraining

/// What `lockstep supervise` is asked for.
public struct SupervisionOptions {
  /// Where ranks may be started.
  public enum Hosts {
    /// So many on this machine.
    case here(ranks: Int)
    /// Those that a file names, which is read again when it changes.
    case file(String)
    /// Those of the Slurm job that this process is in.
    case slurm

    /// Ranks of a run that has no hosts but this.
    var ranksHere: Int {
      if case .here(let ranks) = self { ranks } else { 1 }
    }

    /// Nil: this machine alone.
    func slots() throws(HostListError) -> [HostSlots]? {
      switch self {
      case .here: nil
      case .file(let path): try HostSlots.read(fileAt: path)
      case .slurm:
        try SlurmAllocation.hosts(environment: ProcessInfo.processInfo.environment)
      }
    }
  }

  /// The run's directory.
  public let output: String
  public let hosts: Hosts
  /// The most restarts after failures.
  public let restarts: Int
  /// The most starts in a row that come to no new checkpoint.
  public let attempts: Int
  /// Seconds without an answer after which a host counts as lost.
  public let patience: Double
  /// Seconds until a lost host is tried again for the first time.
  public let retryInterval: Double
  /// What it may be; however often a host is tried, no longer is waited than the end.
  public static let retryIntervals = 1.0...600.0
  let command: TrainingCommand

  /// How long ranks wait for each other to begin: longer than any answer of a host, for programs have to be read.
  var startSeconds: Double { 24 * patience }

  /// - Parameters:
  ///   - arguments: What follows `lockstep train`, the run's directory included.
  ///   - rankLimit: The most ranks that the run can have.
  ///   - threads: Cores that each rank is bound to; nil: ranks are not bound.
  public init(
    arguments: [String], output: String, hosts: Hosts, rankLimit: Int, threads: Int?,
    restarts: Int, attempts: Int, patience: Double, retryInterval: Double
  ) {
    self.output = output
    self.hosts = hosts
    self.restarts = restarts
    self.attempts = attempts
    self.patience = patience
    self.retryInterval = retryInterval
    command = TrainingCommand(
      program: Self.program, arguments: arguments, rankLimit: rankLimit, threads: threads)
  }

  /// The program that runs now.
  private static var program: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }
}
