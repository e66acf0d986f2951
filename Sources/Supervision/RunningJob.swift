import Foundation
import LockstepTraining

/// A training under way: a launcher, its ranks, and what they print.
package final class RunningJob {
  private let process = Process()
  private let processes: JobProcesses
  private var ranks: RankWatch
  /// Where a pipe is to be fed: `mpirun` ends its ranks when nobody reads its output any more.
  private let output: Pipe?
  private var isOutputOpen: Bool
  /// The beginning of a line that has not come whole.
  private var line: [UInt8] = []
  /// The launcher and the ranks that were there when it was asked to stop.
  private var asked: Set<Int32> = []
  /// When it is looked again for ranks that were not.
  private var nextLook = ContinuousClock.now
  private static let lookInterval = Duration.seconds(1)

  /// Starts it.
  ///
  /// - Parameters:
  ///   - words: The command line.
  ///   - processes: By whose mark its processes are found.
  ///   - startSeconds: How long its ranks wait for each other to begin.
  package init(_ words: [String], processes: JobProcesses, startSeconds: Double) throws {
    self.processes = processes
    ranks = RankWatch(of: processes)
    process.setCommand(words)
    process.environment = ProcessInfo.processInfo.environment.merging(
      Self.environment(mark: processes.mark, startSeconds: startSeconds)
    ) { $1 }
    process.standardInput = FileHandle.nullDevice
    output = Self.isPipe(STDOUT_FILENO) ? Pipe() : nil
    isOutputOpen = output != nil
    if let output {
      process.standardOutput = output
      DescriptorBytes.closeOnExec(output.fileHandleForReading.fileDescriptor)
      DescriptorBytes.closeOnExec(output.fileHandleForWriting.fileDescriptor)
    }
    // The launcher writes to the terminal without being in its foreground, and inherits this: `stty tostop`
    // would stop it.
    signal(SIGTTOU, SIG_IGN)
    try process.run()
    processes.note(launcher: process.processIdentifier)
    if let output {
      try? output.fileHandleForWriting.close()
      DescriptorBytes.doNotBlock(output.fileHandleForReading.fileDescriptor)
    }
  }

  private static func environment(mark: String, startSeconds: Double) -> [String: String] {
    var variables = [JobProcesses.variable: mark, "OPENBLAS_NUM_THREADS": "1"]
    if ProcessInfo.processInfo.environment[StartLimit.variable] == nil {
      variables[StartLimit.variable] = "\(startSeconds)"
    }
    // Open MPI refuses root unless told twice; in a container there is nobody else.
    if geteuid() == 0 {
      variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    return variables
  }

  private static func isPipe(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// What a wait for output looks at.
  var descriptors: [Int32] {
    isOutputOpen ? output.map { [$0.fileHandleForReading.fileDescriptor] } ?? [] : []
  }
  package var isRunning: Bool { process.isRunning }

  /// What the launcher ended with; of one that was killed, 128 and the signal's number, as a shell says.
  package var exitCode: Int32 {
    process.terminationReason == .uncaughtSignal
      ? 128 + process.terminationStatus : process.terminationStatus
  }

  /// The lines that it has printed since this was asked last.
  func takeLines() -> String {
    guard isOutputOpen, let output else { return "" }
    let bytes = DescriptorBytes.arrived(at: output.fileHandleForReading.fileDescriptor)
    isOutputOpen = bytes != nil
    line += bytes ?? []
    // At the end whatever there is; before it no part of a character.
    let whole = line.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let count = bytes == nil ? line.count : whole
    defer { line.removeFirst(count) }
    return String(decoding: line[..<count], as: UTF8.self)
  }

  /// Whether a rank on this host has ended since this was asked last.
  func hasLostRank() -> Bool { ranks.look() }

  /// Asks the ranks to save and stop, as soon as the launcher and the ranks that are here listen: before, the signal
  /// would end them. `mpirun` passes it on to all ranks.
  ///
  /// To be called again and again until the job has ended: a rank that was not there yet gets it later.
  package func stop() {
    guard process.isRunning, nextLook <= .now else { return }
    let launcher = process.processIdentifier
    let all = Set([launcher] + processes.members().filter(\.isRank).map(\.process))
    guard all.allSatisfy({ SignalDisposition.isCaught(SIGUSR1, by: $0) }) else { return }
    nextLook = .now + Self.lookInterval
    // Ranks of other hosts are not seen from here.
    let mayHaveBeenEarly = asked.isSubset(of: [launcher])
    guard mayHaveBeenEarly || !all.isSubset(of: asked) else { return }
    kill(launcher, SIGUSR1)
    asked.formUnion(all)
  }

  /// Ends everything of it on this host, and waits for it.
  ///
  /// - Parameter atOnce: Whether its launcher has no time to end in order.
  package func end(atOnce: Bool) {
    processes.end(atOnce: atOnce)
    process.waitUntilExit()
  }
}
