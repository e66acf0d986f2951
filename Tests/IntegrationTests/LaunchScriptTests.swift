import Foundation
import TestSupport
import Testing

/// The launch scripts, with a stand-in for the lockstep command that prints what it was given.
@Suite(.serialized, .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
struct LaunchScriptTests {
  private let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Prints its rank and arguments, and then does as `BEHAVIOR` says.
  private let standIn = """
    #!/usr/bin/env bash
    trap 'echo "saved"; exit 75' USR1
    echo "rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE:$(printf ' [%s]' "$@")"
    echo "blas threads $OPENBLAS_NUM_THREADS"
    case $BEHAVIOR in
      wait) for _ in {1..200}; do sleep 0.1; done ;;
      *) exit "$BEHAVIOR" ;;
    esac
    """

  private struct Outcome {
    var status: Int32
    var output: String
  }

  /// Runs a script from the root directory.
  ///
  /// - Parameters:
  ///   - signal: Sent to the script once its output holds every one of `lines`; nil for none.
  private func run(
    _ script: String, _ arguments: [String], behavior: String,
    signal: Int32? = nil, onceSeen lines: [String] = []
  ) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-launch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let command = folder.appendingPathComponent("lockstep")
    try Data(standIn.utf8).write(to: command)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: command.path)
    let hosts = folder.appendingPathComponent("hosts")
    try Data("localhost slots=3\n".utf8).write(to: hosts)

    let process = Process()
    let pipe = Pipe()
    // The threads that tests run on block signals, and a process begins with its parent's mask.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["--default-signal", "bash", repository.appendingPathComponent("launch/\(script)").path]
      + arguments.map { $0 == "HOSTS" ? hosts.path : $0 }
    process.currentDirectoryURL = URL(fileURLWithPath: "/")
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LOCKSTEP": command.path, "BEHAVIOR": behavior], uniquingKeysWith: { $1 })
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    var output = ""
    var awaited = signal
    while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
      output += String(decoding: data, as: UTF8.self)
      if let signal = awaited, lines.allSatisfy(output.contains) {
        kill(process.processIdentifier, signal)
        awaited = nil
      }
    }
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, output: output)
  }

  @Test func localStartsAllRanksWithTheGivenArguments() throws {
    let outcome = try run("local.sh", ["3", "a.yaml", "--output", "x y"], behavior: "0")
    #expect(outcome.status == 0)
    for rank in 0..<3 {
      #expect(
        outcome.output.contains(
          "rank \(rank) of 3: [train] [a.yaml] [--set] [threads="), "\(outcome.output)")
    }
    #expect(outcome.output.contains("[--output] [x y]"))
    #expect(outcome.output.contains("blas threads 1\n"))
    let sweep = try run("local.sh", ["2", "sweep", "b.yaml", "--groups", "2"], behavior: "0")
    #expect(sweep.output.contains("rank 1 of 2: [sweep] [b.yaml] [--set] [threads="))
    #expect(sweep.output.contains("[--groups] [2]"))
    #expect(try run("local.sh", ["2", "sweep"], behavior: "0").status == 2)
  }

  @Test(arguments: [1, 2]) func localPassesOnTheExitCode(_ status: Int32) throws {
    #expect(try run("local.sh", ["2", "a.yaml"], behavior: "\(status)").status == status)
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
  func aSignalLetsAllRanksSaveAndStop(_ signal: Int32) throws {
    let outcome = try run(
      "local.sh", ["2", "a.yaml"], behavior: "wait", signal: signal,
      onceSeen: ["rank 0", "rank 1"])
    #expect(outcome.status == 75, "\(outcome.output)")
    #expect(outcome.output.components(separatedBy: "saved").count == 3, "\(outcome.output)")
  }

  /// Signals with the seconds at which they come, and what the launcher gets for them.
  @Test(arguments: [
    // A terminal that is closed tells twice, and a scheduler warns first.
    ("HUP 0 HUP 0", "-USR1"), ("HUP 0 HUP 60", "-USR1"), ("USR1 0 TERM 60", "-USR1"),
    ("TERM 0 TERM 4", "-USR1"), ("TERM 0 HUP 60", "-USR1"),
    // What asks for nothing but saving may ask again.
    ("USR1 0 USR1 1", "-USR1 -USR1"), ("TERM 0 USR1 1 HUP 60", "-USR1 -USR1"),
    // Somebody insists.
    ("INT 0 INT 0", "-USR1 -INT"), ("TERM 0 INT 1", "-USR1 -INT"),
    ("TERM 0 TERM 5", "-USR1 -INT"), ("TERM 0 TERM 3 TERM 6", "-USR1 -INT"),
    ("USR1 0 TERM 10 TERM 12", "-USR1"), ("USR1 0 TERM 10 TERM 15", "-USR1 -INT"),
    // A script that another one has launched gets what that one sends for two SIGTERM.
    ("USR1 0 INT 5", "-USR1 -INT"),
  ])
  func onlyWhoeverInsistsEndsARunWithoutSaving(_ signals: String, _ sent: String) throws {
    let script = """
      source "$0"
      launcher=0 signals=0 terminated=
      kill() { printf '%s\\n' "$1"; }
      while [[ $# -gt 0 ]]; do
        SECONDS=$2
        forward "$1"
        shift 2
      done
      """
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["bash", "-c", script, repository.appendingPathComponent("launch/common.sh").path]
      + signals.split(separator: " ").map(String.init)
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(output.split(separator: "\n").joined(separator: " ") == sent)
  }

  @Test func hostfileTakesTheNumberOfRanksFromTheFile() throws {
    let outcome = try run("hostfile.sh", ["HOSTS", "a.yaml", "--resume"], behavior: "0")
    #expect(outcome.status == 0, "\(outcome.output)")
    for rank in 0..<3 {
      #expect(outcome.output.contains("rank \(rank) of 3: [train] [a.yaml] [--resume]"))
    }
  }

  @Test(arguments: [
    ("local.sh", []), ("local.sh", ["2"]), ("local.sh", ["two", "a.yaml"]),
    ("local.sh", ["0", "a.yaml"]), ("hostfile.sh", ["HOSTS"]),
    ("hostfile.sh", ["/none", "a.yaml"]), ("quickstart.sh", ["--steps", "x"]),
    ("quickstart.sh", ["--help"]),
  ])
  func wrongArgumentsGetOneLineAndExitCodeTwo(_ script: String, _ arguments: [String]) throws {
    let outcome = try run(script, arguments, behavior: "0")
    #expect(outcome.status == 2)
    #expect(outcome.output.hasPrefix("\(script): "), "\(outcome.output)")
    #expect(outcome.output.split(separator: "\n").count == 1, "\(outcome.output)")
  }
}
