import Foundation

/// Runs a program of this package under `mpirun`.
public struct MPIRunner: Sendable {
  /// How a run ended.
  public struct Outcome: Sendable {
    public let exitCode: Int32
    /// Ended by this runner because it took too long.
    public let timedOut: Bool
    public let output: String
    public let errorOutput: String
    public let duration: Duration
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let rankCount: Int
  public let timeout: Duration

  /// - Parameters:
  ///   - rankCount: Ranks to start; may be more than processors.
  ///   - timeout: When the whole run is killed. Default: 60 seconds.
  public init(rankCount: Int, timeout: Duration = .seconds(60)) {
    self.rankCount = rankCount
    self.timeout = timeout
  }

  /// Whether this package's programs were built with its trait `MPI`.
  public static var isBuiltWithMPI: Bool {
    #if MPI
      true
    #else
      false
    #endif
  }

  /// Whether they can be started under `mpirun`: it can be found, and they know MPI.
  public static var isAvailable: Bool { isBuiltWithMPI && path(of: "mpirun") != nil }

  /// Runs `mpirun -np rankCount program arguments`.
  ///
  /// - Parameter program: The name of an executable product of this package.
  public func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    guard let mpirun = Self.path(of: "mpirun") else {
      throw Failure(description: "mpirun is not installed")
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lockstep-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try Self.run(
      mpirun,
      Self.launch(ranks: rankCount, in: folder) + [try Self.product(program).path] + arguments,
      timeout: timeout)
  }

  /// What `mpirun` is told.
  ///
  /// - Parameter folder: Where it keeps what it needs while it runs. Launchers that start at the same time would
  ///   make the same folder in /tmp, of which one can fail.
  public static func launch(ranks: Int, in folder: URL) -> [String] {
    [
      "--mca", "orte_tmpdir_base", folder.path, "--oversubscribe", "--bind-to", "none",
      "-np", "\(ranks)",
    ]
  }

  /// Runs a program without a launcher.
  public static func runAlone(
    _ program: String, _ arguments: [String], timeout: Duration = .seconds(60)
  ) throws -> Outcome {
    try run(try product(program), arguments, timeout: timeout)
  }

  /// Runs a program to its end, or until it has taken too long.
  static func run(
    _ executable: URL, _ arguments: [String], timeout: Duration
  ) throws -> Outcome {
    // Files rather than pipes: nobody has to empty them for the program to go on.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lockstep-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["out", "err"].map { folder.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    let handles = try files.map { try FileHandle(forWritingTo: $0) }

    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    let start = ContinuousClock.now
    try process.run()
    let seconds = Double(timeout.components.seconds)
    let timedOut = ended.wait(timeout: .now() + seconds) == .timedOut
    if timedOut {
      // mpirun passes SIGTERM on to its ranks.
      process.terminate()
      if ended.wait(timeout: .now() + 10) == .timedOut {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
      }
    }
    let duration = start.duration(to: .now)
    return Outcome(
      exitCode: process.terminationStatus, timedOut: timedOut,
      output: try String(contentsOf: files[0], encoding: .utf8),
      errorOutput: try String(contentsOf: files[1], encoding: .utf8), duration: duration)
  }

  /// An executable of the search path.
  public static func path(of name: String) -> URL? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }

  /// An executable that was built together with the tests that run.
  public static func product(_ name: String) throws -> URL {
    let arguments = CommandLine.arguments
    let bundle = arguments.firstIndex(of: "--test-bundle-path").flatMap { index in
      index + 1 < arguments.count ? arguments[index + 1] : nil
    }
    let candidates = ["/proc/self/exe", bundle, arguments.first].compactMap { $0 }.map {
      URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent(name)
    }
    for candidate in candidates
    where FileManager.default.isExecutableFile(atPath: candidate.path) {
      return candidate
    }
    throw Failure(description: "\(name) is not built; looked at \(candidates)")
  }
}
