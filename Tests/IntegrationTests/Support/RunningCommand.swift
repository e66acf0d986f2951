import Foundation
import Synchronization

/// A program under way whose output is read line by line.
///
/// Nothing here sleeps: `nextLine` blocks until the program writes or ends, and a program that takes
/// too long is killed, which ends its output.
final class RunningCommand {
  /// How a program ended.
  struct Ending {
    let exitCode: Int32
    let timedOut: Bool
    /// What was written to standard output and not yet taken by `nextLine`.
    let output: String
    let errorOutput: String
    /// From `start` to the end.
    let duration: Duration

    /// What Lockstep itself had to say: lines of standard error that begin with its name, each with
    /// the indented lines that belong to it.
    var messages: [String] {
      var messages: [String] = []
      var belongs = false
      for line in errorOutput.split(separator: "\n") {
        if line.hasPrefix("lockstep: ") || line.hasPrefix("Error: ") {
          messages.append(String(line))
          belongs = true
        } else if belongs && line.hasPrefix("  ") && !messages.isEmpty {
          messages[messages.count - 1] += "\n" + line
        } else {
          belongs = false
        }
      }
      return messages
    }
  }

  let processID: Int32
  private let process = Process()
  private let output = Pipe()
  private let errors: URL
  private let hasTimedOut = Watch()
  private var pending = Data()
  private let begin = ContinuousClock.now

  private final class Watch: Sendable {
    let fired = Atomic(false)
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: An executable and its arguments.
  ///   - folder: Where it runs.
  ///   - timeout: When it is killed.
  ///   - input: What it reads from standard input. Default: nothing.
  init(
    _ command: [String], in folder: URL, timeout: Duration, input: String? = nil
  ) throws {
    errors = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-errors-\(UUID().uuidString)")
    try Data().write(to: errors)
    // The threads that tests run on block signals, and a process begins with its parent's mask.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["--default-signal"] + command
    process.currentDirectoryURL = folder
    process.environment = Self.environment
    if let input {
      let given = errors.appendingPathExtension("input")
      try Data(input.utf8).write(to: given)
      process.standardInput = try FileHandle(forReadingFrom: given)
      try FileManager.default.removeItem(at: given)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    processID = process.processIdentifier
    let (watch, processID) = (hasTimedOut, processID)
    DispatchQueue.global().asyncAfter(deadline: .now() + timeout / .seconds(1)) { [weak process] in
      guard let process, process.isRunning else { return }
      watch.fired.store(true, ordering: .releasing)
      for child in Self.children(of: processID) { kill(child, SIGKILL) }
      kill(processID, SIGKILL)
    }
  }

  deinit { try? FileManager.default.removeItem(at: errors) }

  /// The tests' environment, without what would make a plain process look launched.
  private static var environment: [String: String] {
    var environment = ProcessInfo.processInfo.environment.filter { name, _ in
      !["OMPI_COMM", "PMIX_", "PMI_", "SLURM_"].contains(where: name.hasPrefix)
    }
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    return environment
  }

  /// The next line of standard output; nil when there will be none.
  func nextLine() -> String? {
    let newline = UInt8(ascii: "\n")
    while true {
      if let end = pending.firstIndex(of: newline) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending = Data(pending[(end + 1)...])
        return line
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      pending.append(more)
    }
  }

  /// Reads on to an event that a run with `--json` tells of, and returns its step; nil where the run
  /// ended first.
  ///
  /// - Parameters:
  ///   - step: The event's step is this or a later one.
  ///   - name: What happened. Default: a step.
  @discardableResult
  func awaitStep(_ step: Int, of name: String = "step") -> Int? {
    while let line = nextLine() {
      let event = try? JSONDecoder().decode(SteppedEvent.self, from: Data(line.utf8))
      if let event, event.event == name, event.step >= step { return event.step }
    }
    return nil
  }

  private struct SteppedEvent: Decodable {
    let event: String
    let step: Int
  }

  func send(_ signal: Int32) { kill(processID, signal) }

  /// Waits for the end.
  func wait() throws -> Ending {
    while case let more = output.fileHandleForReading.availableData, !more.isEmpty {
      pending.append(more)
    }
    process.waitUntilExit()
    return Ending(
      exitCode: process.terminationStatus, timedOut: hasTimedOut.fired.load(ordering: .acquiring),
      output: String(decoding: pending, as: UTF8.self),
      errorOutput: try String(contentsOf: errors, encoding: .utf8),
      duration: begin.duration(to: .now))
  }

  // MARK: - What /proc knows

  /// The processes that a process has started.
  static func children(of processID: Int32) -> [Int32] {
    let path = "/proc/\(processID)/task/\(processID)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
  }

  /// The process of one rank of this `mpirun`.
  func processID(ofRank rank: Int) -> Int32? {
    Self.processID(ofRank: rank, under: processID)
  }

  /// The process of one rank of an `mpirun`.
  static func processID(ofRank rank: Int, under launcher: Int32) -> Int32? {
    children(of: launcher).first { child in
      let environment = FileManager.default.contents(atPath: "/proc/\(child)/environ") ?? Data()
      return environment.split(separator: 0).contains {
        String(decoding: $0, as: UTF8.self) == "OMPI_COMM_WORLD_RANK=\(rank)"
      }
    }
  }

  /// Bytes of memory that a process has in use, its own and shared; nil where it is gone.
  ///
  /// Pages of files are not counted: they come with each page of program and data that is looked at
  /// for the first time, and the kernel takes them back as it likes.
  static func residentBytes(of processID: Int32) -> Int? {
    guard
      let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
    else { return nil }
    let kinds = status.split(separator: "\n").filter {
      $0.hasPrefix("RssAnon:") || $0.hasPrefix("RssShmem:")
    }
    let kilobytes = kinds.compactMap { $0.split(whereSeparator: \.isWhitespace)[1] }
    return kilobytes.compactMap { Int($0) }.reduce(0) { $0 + $1 * 1024 }
  }
}
