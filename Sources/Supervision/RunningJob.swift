import Foundation
import LockstepTraining

/// A training under way: a launcher, its ranks, and what they print.
final class RunningJob {
  private let process = Process()
  private let processes: JobProcesses
  private var ranks: RankWatch
  /// Where a pipe is to be fed: `mpirun` ends its ranks when nobody reads its output any more.
  private let output: Pipe?
  private var isOutputOpen: Bool
  /// The beginning of a line that has not come whole.
  private var line: [UInt8] = []

  /// Starts it.
  ///
  /// - Parameters:
  ///   - words: The command line.
  ///   - processes: By whose mark its processes are found.
  ///   - startSeconds: How long its ranks wait for each other to begin.
  init(_ words: [String], processes: JobProcesses, startSeconds: Double) throws {
    self.processes = processes
    ranks = RankWatch(of: processes)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
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
  var isRunning: Bool { process.isRunning }

  /// What the launcher ended with; of one that was killed, 128 and the signal's number, as a shell says.
  var exitCode: Int32 {
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

  /// Asks the ranks to save and stop: `mpirun` passes this signal on to all of them.
  func stop() { signal(SIGUSR1) }

  private func signal(_ number: Int32) {
    if process.isRunning { kill(process.processIdentifier, number) }
  }

  /// Ends everything of it on this host, and waits for it.
  ///
  /// - Parameter atOnce: Whether its launcher has no time to end in order.
  func end(atOnce: Bool) {
    processes.end(atOnce: atOnce)
    process.waitUntilExit()
  }
}
