import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Pipes, hang-ups, and other directories than the one that a run was started in.
  @Suite struct OutsideWorldTests {
    private static let tiny = "--set '\(Workbench.tiny[1])'"

    // MARK: - Output that nobody reads

    @Test(arguments: ["", "--json"]) func aBrokenPipeEndsTheConsoleAndNotTheRun(
      _ style: String
    ) throws {
      let bench = try Workbench()
      let ending = try bench.shell(
        "lockstep train run.yaml --output run \(Self.tiny) \(style) | head -n 1")
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.split(separator: "\n").count == 1)
      #expect(
        ending.messages == [
          "lockstep: standard output is closed: the run goes on; its steps are in run/metrics.jsonl"
        ])
      #expect(try bench.summary("run").steps == 50)
      #expect(try bench.recordedSteps("run") == Array(1...50))
    }

    @Test func nothingThatIsSaidStopsARunWhoseConsoleIsGoneAltogether() throws {
      let bench = try Workbench()
      let ending = try bench.shell(
        "lockstep train run.yaml --output run \(Self.tiny) 2>&1 | true")
      #expect(ending.exitCode == 0)
      #expect(try bench.summary("run").steps == 50)
    }

    @Test func aSweepGoesOnWithoutAConsole() throws {
      let bench = try Workbench()
      try bench.write(
        "{base: run.yaml, parameters: {optimizer.learning_rate: {values: [1e-3, 1e-2]}}}",
        to: "search.yaml")
      let ending = try bench.shell(
        "lockstep sweep search.yaml --output out \(Self.tiny) | head -n 1")
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.messages == ["lockstep: standard output is closed: the sweep goes on"])
      #expect(bench.exists("out/sweep.json"))
    }

    @Test func aBrokenPipeDoesNotReachTheRanksOfALaunchScript() throws {
      let bench = try Workbench()
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("launch/local.sh").path
      // A line for every step: mpirun would give up after some.
      let ending = try bench.shell(
        "LOCKSTEP=$(command -v lockstep) \(script) 2 run.yaml --output run --json \(Self.tiny) | head -n 1"
      )
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(try bench.summary("run").steps == 50)
    }

    @Test(arguments: [
      "train run.yaml --print-config", "train run.yaml --plot-schedule",
      "generate run --prompt the --max-tokens 4000", "inspect run", "evaluate run",
    ])
    func commandsThatOnlyPrintEndQuietly(_ command: String) throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      // A parent that ignores SIGPIPE makes no difference.
      for parent in ["", "trap '' PIPE; "] {
        let ending = try bench.shell("\(parent)lockstep \(command) | true")
        #expect([0, 141].contains(ending.exitCode), "\(ending.exitCode)")
        #expect(ending.errorOutput.isEmpty, "\(ending.errorOutput)")
      }
    }

    // MARK: - Hang-ups

    @Test func aHangUpThatIsIgnoredStaysIgnored() throws {
      let bench = try Workbench()
      let lockstep = try MPIRunner.product("lockstep").path
      let run = try RunningCommand(
        ["nohup", lockstep, "train", "run.yaml", "--json", "--output", "run"], in: bench.folder,
        timeout: .seconds(60))
      try #require(run.awaitStep(7) != nil)
      run.send(SIGHUP)
      #expect(try run.wait().exitCode == 0)
      #expect(try bench.summary("run").steps == 50)
    }

    // MARK: - Configurations from pipes

    @Test func configurationsAreReadFromPipesAndStandardInput() throws {
      let bench = try Workbench()
      let small = "sed 's/steps: 50/steps: 6/' run.yaml"
      let piped = try bench.shell("lockstep train <(\(small)) \(Self.tiny) --quiet")
      #expect(piped.exitCode == 0, "\(piped.errorOutput)")
      #expect(try bench.summary("runs/pipe").steps == 6)
      let input = try bench.shell("\(small) | lockstep train /dev/stdin \(Self.tiny) --quiet")
      #expect(input.exitCode == 0, "\(input.errorOutput)")
      #expect(try bench.summary("runs/stdin").steps == 6)
      let printed = try bench.shell("lockstep train --print-config <(\(small))")
      #expect(printed.output.contains("\nsteps: 6\n"), "\(printed.errorOutput)")
      let searched = try bench.shell(
        "lockstep sweep <(echo '{base: run.yaml, parameters: {seed: {values: [1, 2]}}}') "
          + "--quiet --output swept \(Self.tiny)")
      #expect(searched.exitCode == 0, "\(searched.errorOutput)")
      #expect(bench.exists("swept/sweep.json"))
    }

    @Test func aPipeWithoutAnEndIsNoConfiguration() throws {
      let bench = try Workbench()
      let ending = try bench.run(["train", "/dev/zero"])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("too long for a configuration"), "\(ending.errorOutput)")
    }

    // MARK: - Elsewhere

    @Test func aRunsOwnDataAreFoundFromAnywhere() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let here = try bench.run(["evaluate", "run", "--json"])
      #expect(here.exitCode == 0 && here.output.contains("\"data\":\"data/validation.bin\""))
      // Another text of the same name lies there.
      let decoy = try Workbench(text: Workbench.sentences(count: 900).uppercased())
      func loss(_ output: String) throws -> Double {
        struct Line: Decodable { let loss: Double }
        return try JSONDecoder().decode(Line.self, from: Data(output.utf8)).loss
      }
      let checkpoint = bench.path("run/checkpoints/step-00000050")
      for source in [bench.path("run"), checkpoint] {
        let there = try decoy.run(["evaluate", source, "--json"])
        #expect(there.exitCode == 0, "\(there.errorOutput)")
        #expect(try loss(there.output) == loss(here.output))
      }
      // So does resuming, unless it is told to look elsewhere.
      let resume = ["train", bench.path("run.yaml"), "--output", bench.path("run"), "--resume"]
      let resumed = try decoy.run(resume + Workbench.tiny)
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      let other = try decoy.run(resume + Workbench.tiny + ["--set", "directory=."])
      #expect(other.exitCode == 2)
      #expect(other.errorOutput.contains("learned from other data"), "\(other.errorOutput)")
      let own = try decoy.run(
        ["train", bench.path("run/config.yaml"), "--output", bench.path("run"), "--resume"])
      #expect(own.exitCode == 0, "\(own.errorOutput)")
    }

    @Test func aRunThatWasMovedSaysWhereItLooksAndTakesAnotherPlace() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      try FileManager.default.moveItem(atPath: bench.path("data"), toPath: bench.path("moved"))
      try FileManager.default.createDirectory(
        atPath: bench.path("new"), withIntermediateDirectories: true)
      let lost = try bench.run(["evaluate", "run"])
      #expect(lost.exitCode == 2)
      #expect(
        lost.errorOutput.contains(
          "data/validation.bin of the run is not there, seen from \(bench.realPath), where it was "
            + "trained: give the data with --data, or where they are now with --directory"),
        "\(lost.errorOutput)")
      let given = try bench.run(["evaluate", "run", "--data", "moved/validation.bin"])
      #expect(given.exitCode == 0, "\(given.errorOutput)")
      try FileManager.default.moveItem(
        atPath: bench.path("moved"), toPath: bench.path("new/data"))
      let named = try bench.run(["evaluate", "run", "--directory", "new"])
      #expect(named.exitCode == 0, "\(named.errorOutput)")
    }

    /// Each would train alone, and write over the others.
    @Test(arguments: [0, 1])
    func tasksOfSlurmWithoutPMIxAreToldWhatToAdd(_ rank: Int) throws {
      let bench = try Workbench()
      let ending = try bench.shell(
        "SLURM_PROCID=\(rank) SLURM_STEP_NUM_TASKS=2 SLURM_STEP_ID=0 SLURM_STEP_TASKS_PER_NODE=2 "
          + "lockstep train run.yaml --output run")
      #expect(ending.exitCode == 2)
      // One of them speaks.
      #expect(
        ending.errorOutput.contains("srun --mpi=pmix") == (rank == 0), "\(ending.errorOutput)")
      #expect(!bench.exists("run"))
    }
  }
}

extension Workbench {
  /// Runs a line of shell in which `lockstep` is the command.
  func shell(_ line: String) throws -> RunningCommand.Ending {
    let path = try MPIRunner.product("lockstep").deletingLastPathComponent().path
    let ending = try RunningCommand(
      ["bash", "-c", "set -o pipefail; PATH=\(path):$PATH; \(line)"], in: folder,
      timeout: .seconds(60)
    ).wait()
    #expect(!ending.timedOut, "\(line): \(ending.errorOutput)")
    return ending
  }

  /// The folder as the kernel calls it.
  fileprivate var realPath: String {
    guard let resolved = realpath(folder.path, nil) else { return folder.path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
