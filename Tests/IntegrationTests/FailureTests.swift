import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// What breaks while a run is under way: the run ends on all ranks, says why once, and what was
  /// saved before is there.
  @Suite struct FailureTests {
    /// The newest complete checkpoint's step, as `inspect` sees it.
    private func newestStep(_ bench: Workbench, _ run: String) throws -> Int {
      struct Contents: Decodable {
        struct Newest: Decodable { let step: Int }
        let newest: Newest?
      }
      let ending = try bench.run(["inspect", run, "--json"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let contents = try JSONDecoder().decode(Contents.self, from: Data(ending.output.utf8))
      return try #require(contents.newest).step
    }

    @Test(arguments: [0, 1])
    func aKilledRankEndsTheJobWithOneMessageAndTheCheckpointLoads(_ rank: Int) throws {
      let bench = try Workbench()
      let run = try bench.start(
        ["train", "run.yaml", "--json", "--output", "run", "--steps", "100000"], ranks: 3)
      let saved = try #require(run.awaitStep(8, of: "checkpoint"))
      kill(try #require(run.processID(ofRank: rank)), SIGKILL)
      let ending = try run.wait()
      #expect(ending.exitCode != 0 && !ending.timedOut)
      let lines = ending.errorOutput.split(separator: "\n").filter {
        $0.contains("process rank \(rank) ") || $0.contains("rank \(rank) (process")
      }
      #expect(lines.count == 1, "\(ending.errorOutput)")
      #expect(ending.messages.isEmpty, "the launcher says it: \(ending.errorOutput)")

      #expect(try newestStep(bench, "run") >= saved)
      let text = try bench.run(["generate", "run", "--prompt", "the", "--max-tokens", "5"])
      #expect(text.exitCode == 0, "\(text.errorOutput)")
    }

    /// Nobody watches over ranks that have not found each other.
    @Test func aRankThatNeverBeginsEndsTheJobAfterTheStartLimit() throws {
      let bench = try Workbench()
      let train = [try MPIRunner.product("lockstep").path, "train", "run.yaml", "--output", "run"]
      let ending = try RunningCommand(
        ["env", "LOCKSTEP_START_LIMIT=2", "mpirun", "--oversubscribe", "--bind-to", "none"]
          + ["-np", "1"] + train + [":", "-np", "1", "sleep", "100"],
        in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(ending.exitCode == 1 && !ending.timedOut)
      let line = "lockstep: rank 0 has waited 2 s for the others to begin"
      #expect(ending.messages.count { $0.contains(line) } == 1, "\(ending.errorOutput)")
      #expect(!bench.exists("run"))
    }

    @Test(arguments: ["soon", "0", "-1", "nan", "inf", "1e300", ""])
    func aStartLimitThatIsNoNumberOfSecondsIsRefused(_ text: String) throws {
      let bench = try Workbench()
      let ending = try RunningCommand(
        ["env", "LOCKSTEP_START_LIMIT=\(text)", try MPIRunner.product("lockstep").path, "train"]
          + ["run.yaml", "--output", "run"], in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(ending.exitCode == 2 && ending.messages.count == 1, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("LOCKSTEP_START_LIMIT: found '\(text)', expected"))
      #expect(!bench.exists("run"))
    }

    @Test(arguments: [0, 1])
    func aStoppedRankIsNamedAndEndsTheRunWithOneLastMessage(_ rank: Int) throws {
      let bench = try Workbench()
      let run = try bench.start(
        [
          "train", "run.yaml", "--json", "--output", "run", "--steps", "100000",
          "--set", "watchdog={notice: 1, end: 3}",
        ], ranks: 2)
      #expect(run.awaitStep(3) != nil)
      let stopped = try #require(run.processID(ofRank: rank))
      kill(stopped, SIGSTOP)
      let ending = try run.wait()
      #expect(ending.exitCode == 1 && !ending.timedOut)
      // At once, and twice the time; then the end.
      #expect((2...3).contains(ending.messages.count), "\(ending.errorOutput)")
      for message in ending.messages {
        #expect(message.contains("rank \(rank) (host "), "\(message)")
        #expect(!message.contains("rank \(1 - rank) (host "), "\(message)")
        #expect(message.contains("process \(stopped)"), "\(message)")
      }
      let lines = ending.errorOutput.split(separator: "\n")
      let last = try #require(lines.last)
      #expect(last.hasPrefix("lockstep: ") && last.contains("is stopped (SIGSTOP)"), "\(last)")
      let flight = try #require(
        last.split(separator: " ").first { $0.hasPrefix("run/flight-") })
      let record = try String(contentsOfFile: bench.path(String(flight)), encoding: .utf8)
      #expect(record.contains("== rank \(1 - rank) of 2"))
      #expect(record.contains("finishReduce("), "the collectives before")
      #expect(record.contains("LockstepTraining.Trainer.run"), "the stack of its first thread")
      #expect(kill(stopped, 0) != 0 || isGone(stopped), "the stopped process is still there")
    }

    /// Whether a process ends within some seconds: the launcher, which ends it, has ended before.
    private func isGone(_ process: Int32) -> Bool {
      for _ in 0..<100 {
        if kill(process, 0) != 0 { return true }
        usleep(50_000)
      }
      return false
    }

    @Test func ranksThatAreNotTheSameProgramAreRefused() throws {
      let bench = try Workbench()
      let lockstep = try MPIRunner.product("lockstep")
      let other = bench.folder.appendingPathComponent("lockstep-of-another-build")
      try FileManager.default.copyItem(at: lockstep, to: other)
      let file = try FileHandle(forWritingTo: other)
      try file.seekToEnd()
      try file.write(contentsOf: Data("x".utf8))
      try file.close()
      let command = ["train", "run.yaml", "--output", "run"]
      func ending(_ first: [String], _ second: [String]) throws -> RunningCommand.Ending {
        try RunningCommand(
          ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "1"] + first
            + [":", "-np", "1"] + second, in: bench.folder, timeout: .seconds(60)
        ).wait()
      }
      let program = try ending([lockstep.path] + command, [other.path] + command)
      #expect(program.exitCode == 2)
      let lines = program.errorOutput.split(separator: "\n")
      #expect(lines.count == 1, "\(program.errorOutput)")
      #expect(program.errorOutput.contains("lockstep: the program differs: "))
      #expect(program.errorOutput.contains("(rank 0)"))
      let told = try ending(
        [lockstep.path] + command, [lockstep.path] + command + ["--steps", "9"])
      #expect(told.exitCode == 2)
      #expect(told.errorOutput.contains("lockstep: the command differs: "))
      #expect(!FileManager.default.fileExists(atPath: bench.path("run")))
    }

    @Test(arguments: [nil, 2])
    func aSecondRunInTheSameDirectoryIsRefusedAndTheFirstGoesOn(_ ranks: Int?) throws {
      let bench = try Workbench()
      let arguments = ["train", "run.yaml", "--json", "--output", "run", "--steps", "100000"]
      let first = try bench.start(arguments)
      try #require(first.awaitStep(5, of: "checkpoint") != nil)
      let second = try bench.run(arguments + ["--resume"], ranks: ranks)
      #expect(second.exitCode == 2)
      #expect(second.messages.count == 1)
      #expect(second.errorOutput.contains("run is in use"), "\(second.errorOutput)")
      first.send(SIGTERM)
      #expect(try first.wait().exitCode == 75)
      // The lock is gone with the first run.
      let third = try bench.start(arguments + ["--resume"], ranks: ranks)
      #expect(third.awaitStep(6) != nil)
      third.send(SIGUSR1)
      #expect(try third.wait().exitCode == 75)
    }

    /// As after a rank zero that was killed and that the kernel can not end yet.
    @Test func aSupervisedRunWaitsForWhoeverStillHoldsItsDirectory() throws {
      let bench = try Workbench()
      let arguments = ["train", "run.yaml", "--json", "--output", "run", "--steps", "100000"]
      let first = try bench.start(arguments)
      try #require(first.awaitStep(5, of: "checkpoint") != nil)
      let lockstep = try MPIRunner.product("lockstep").path
      let second = try RunningCommand(
        ["sh", "-c", "exec env LOCKSTEP_JOB=test \"$0\" \"$@\" 2>&1", lockstep] + arguments
          + ["--resume"], in: bench.folder, timeout: .seconds(60))
      #expect(second.nextLine()?.contains("run is still in use") == true)
      first.send(SIGTERM)
      #expect(try first.wait().exitCode == 75)
      #expect(second.awaitStep(6) != nil)
      second.send(SIGTERM)
      #expect(try second.wait().exitCode == 75)
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "file systems can not be mounted here"))
    func aFullDiskEndsTheRunAndKeepsTheCheckpointBefore() throws {
      let bench = try Workbench()
      let expected = try bench.train("whole").parametersSHA256
      // The folder goes when nothing is mounted in it any more.
      defer { withExtendedLifetime(bench) {} }
      // A checkpoint is three times 285 KB: two find room.
      let disk = try SmallDisk(at: bench.folder.appendingPathComponent("disk"), byteCount: 2 << 20)
      defer { disk.unmount() }
      let ending = try bench.run(
        ["train", "run.yaml", "--quiet", "--output", "disk/run"], ranks: 2)
      #expect(ending.exitCode == 1, "\(ending.errorOutput)")
      #expect(ending.messages.count == 1, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("No space left on device"), "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("bytes needed"), "\(ending.errorOutput)")
      #expect(try newestStep(bench, "disk/run") == 8)
      let names = try FileManager.default.contentsOfDirectory(
        atPath: bench.path("disk/run/checkpoints"))
      #expect(names.sorted() == ["step-00000004", "step-00000008"])

      try disk.resize(byteCount: 20 << 20)
      #expect(try bench.train("disk/run", ["--resume"]).parametersSHA256 == expected)
    }
  }
}

/// A file system in memory of a fixed size.
struct SmallDisk {
  private let folder: URL

  init(at folder: URL, byteCount: Int) throws {
    self.folder = folder
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    guard Self.run(["mount", "-t", "tmpfs", "-o", "size=\(byteCount)", "tmpfs", folder.path]) else {
      throw CocoaError(.fileWriteNoPermission)
    }
  }

  func resize(byteCount: Int) throws {
    guard Self.run(["mount", "-o", "remount,size=\(byteCount)", folder.path]) else {
      throw CocoaError(.fileWriteNoPermission)
    }
  }

  func unmount() { _ = Self.run(["umount", "--lazy", folder.path]) }

  /// Whether this process may mount file systems: root can, outside of most containers.
  static var isAllowed: Bool {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-disk-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    guard let disk = try? SmallDisk(at: folder, byteCount: 1 << 20) else { return false }
    disk.unmount()
    return true
  }

  private static func run(_ command: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
