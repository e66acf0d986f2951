import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// `lockstep supervise`: what is lost costs a run time, and nothing else.
  @Suite struct SuperviseTests {
    private let options = ["run.yaml", "--json", "--output", "run", "--steps", "100"]

    /// What is killed: rank 0, rank 1, or `mpirun`.
    @Test(arguments: [0, 1, nil])
    func whatIsKilledIsStartedAgainAndTheBitsAreThoseOfAnUndisturbedRun(_ rank: Int?) throws {
      let bench = try Workbench()
      let run = try bench.start(["supervise", "--ranks", "2"] + options)
      try #require(run.awaitStep(8, of: "checkpoint") != nil)
      let launcher = try #require(RunningCommand.children(of: run.processID).first)
      let victim =
        try rank.map {
          try #require(RunningCommand.processID(ofRank: $0, under: launcher))
        } ?? launcher
      kill(victim, SIGKILL)
      let ending = try run.wait()
      #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.errorOutput)")
      let words = ending.errorOutput.split(separator: "\n").filter {
        $0.hasPrefix("lockstep supervise: ")
      }
      #expect(words.count == 2, "\(words)")
      #expect(words.last?.contains("going on from step") == true, "\(words)")

      let expected = try bench.train("reference", ["--steps", "100"])
      #expect(try bench.summary("run").parametersSHA256 == expected.parametersSHA256)
    }

    /// There is no checkpoint: what is lost costs the steps since the newest snapshot.
    @Test(arguments: [0, 1, nil])
    func whatIsKilledBetweenCheckpointsGoesOnFromMemory(_ rank: Int?) throws {
      let bench = try Workbench()
      let run = try bench.start(
        ["supervise", "--ranks", "2", "--set", "checkpoint.every=0", "--set", "snapshot.every=4"]
          + options)
      let seen = try #require(run.awaitStep(14))
      let launcher = try #require(RunningCommand.children(of: run.processID).first)
      let victim =
        try rank.map {
          try #require(RunningCommand.processID(ofRank: $0, under: launcher))
        } ?? launcher
      kill(victim, SIGKILL)
      let ending = try run.wait()
      #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.errorOutput)")
      // Both say where it went on, the supervisor before it started.
      let begin = try #require(
        ending.output.firstMatch(of: /"resumed_step":(\d+)/).flatMap { Int($0.1) })
      #expect(begin >= seen - 4 && begin.isMultiple(of: 4))
      #expect(ending.errorOutput.contains("going on from step \(begin) with 2 ranks"))
      #expect(try bench.recordedSteps("run") == Array(1...100))
      let checkpoints = try FileManager.default.contentsOfDirectory(
        atPath: bench.path("run/checkpoints"))
      #expect(checkpoints == ["step-00000100"])

      let expected = try bench.train("reference", ["--steps", "100"])
      #expect(try bench.summary("run").parametersSHA256 == expected.parametersSHA256)
    }

    @Test func whoeverAsksForSnapshotsWithoutASupervisorIsTold() throws {
      let bench = try Workbench()
      let ending = try bench.run(
        ["train", "run.yaml", "--output", "run", "--set", "snapshot.every=4", "--steps", "5"])
      #expect(ending.exitCode == 0)
      #expect(ending.output.contains("snapshot.every has no effect"))
    }

    @Test func aLauncherThatEndsWellBeforeTheRunIsCompleteIsStartedAgain() throws {
      let bench = try Workbench()
      let launcher = try #require(MPIRunner.path(of: "mpirun")).path
      let ending = try supervise(
        options, mpirun: "if mkdir began; then exit 0; fi\nexec \(launcher) \"$@\"", in: bench)
      #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("exit code 0, and the run is not complete"))
      #expect(try bench.recordedSteps("run").last == 100)
    }

    /// Runs `supervise --ranks 2` with a stand-in for `mpirun`, in the shell's language.
    private func supervise(
      _ arguments: [String], mpirun: String, in bench: Workbench
    ) throws -> RunningCommand.Ending {
      try bench.write("#!/bin/sh\n\(mpirun)\n", to: "mpirun")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: bench.path("mpirun"))
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      return try RunningCommand(
        [
          "env", "PATH=\(bench.folder.path):\(path)", try MPIRunner.product("lockstep").path,
          "supervise", "--ranks", "2",
        ] + arguments, in: bench.folder, timeout: .seconds(60)
      ).wait()
    }

    /// Its rank has ended, and its launcher goes on for longer than is waited for.
    @Test func aCompleteRunIsNotLostThoughItsLauncherTakesLong() throws {
      let bench = try Workbench()
      _ = try bench.train("done", ["--steps", "100"])
      let complete = try supervise(
        ["--restarts", "0"] + options,
        mpirun: "OMPI_COMM_WORLD_RANK=0 sh -c 'sleep 2; cp -r done run'; exec sleep 20", in: bench)
      #expect(complete.exitCode == 0 && !complete.timedOut, "\(complete.errorOutput)")
      // What was there before is not what this attempt came to.
      let longer = try supervise(
        ["--restarts", "0"] + options + ["--steps", "200"],
        mpirun: "OMPI_COMM_WORLD_RANK=0 sleep 2; exec sleep 20", in: bench)
      #expect(longer.exitCode == 1, "\(longer.errorOutput)")
      #expect(longer.errorOutput.contains("a rank has ended"))
    }

    @Test func whatTheUserSaysOfThreadsHoldsBeforeTheOption() throws {
      let bench = try Workbench()
      let ending = try supervise(
        ["--threads", "1"] + options + ["--set", "threads=2"],
        mpirun: "mkdir -p run && echo \"$@\" > words; exit 2", in: bench)
      #expect(ending.exitCode == 2)
      let words = try bench.text("words").split(whereSeparator: \.isWhitespace)
        .filter { $0.hasPrefix("threads=") }
      #expect(words == ["threads=1", "threads=2"])
    }

    /// A launcher is not in its terminal's foreground, and may write all the same.
    @Test(.enabled(if: MPIRunner.path(of: "script") != nil, "needs script, of util-linux"))
    func aTerminalThatStopsItsBackgroundDoesNotStopARun() throws {
      let bench = try Workbench()
      let lockstep = try MPIRunner.product("lockstep").path
      let ending = try RunningCommand(
        [
          "script", "-qec",
          "stty tostop && \(lockstep) supervise run.yaml --output run --steps 5", "/dev/null",
        ], in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.output)")
      #expect(ending.output.contains("finished"), "\(ending.output)")
    }

    /// Where a socket may have any address, `bind` does not tell which are this machine's.
    @Test(.enabled(if: SuperviseTests.hasNetworksOfItsOwn, "needs a network namespace"))
    func anAddressOfAnotherMachineIsNotThisOne() throws {
      let bench = try Workbench()
      try bench.write("192.0.2.1\n127.0.1.1\n", to: "hosts")
      try bench.write("#!/bin/sh\necho \"$@\" >words\nexit 2\n", to: "mpirun")
      try bench.write("#!/bin/sh\necho \"$1\" >>asked\n", to: "agent")
      for name in ["mpirun", "agent"] {
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: bench.path(name))
      }
      let script = """
        ip link set lo up
        echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
        PATH=$PWD:$PATH OMPI_MCA_plm_rsh_agent=$PWD/agent exec "$0" "$@"
        """
      let ending = try RunningCommand(
        ["unshare", "--map-root-user", "--net", "sh", "-ec", script]
          + [try MPIRunner.product("lockstep").path, "supervise", "--hosts", "hosts"] + options,
        in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(ending.exitCode == 2, "\(ending.errorOutput)")
      #expect(try bench.text("asked") == "192.0.2.1\n")
      #expect(try bench.text("words").contains("--host 127.0.1.1:1 "))
    }

    private static let hasNetworksOfItsOwn: Bool = {
      let ending = try? RunningCommand(
        [
          "unshare", "--map-root-user", "--net", "sh", "-ec",
          "ip link set lo up; test -w /proc/sys/net/ipv4/ip_nonlocal_bind",
        ],
        in: FileManager.default.temporaryDirectory, timeout: .seconds(60)
      ).wait()
      return ending?.exitCode == 0
    }()

    @Test func aSignalSavesAndTheSameCommandGoesOn() throws {
      let bench = try Workbench()
      let run = try bench.start(["supervise", "--ranks", "2"] + options)
      try #require(run.awaitStep(8) != nil)
      run.send(SIGTERM)
      let ending = try run.wait()
      #expect(ending.exitCode == 75 && !ending.timedOut, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("saving and stopping"))
      let stopped = try bench.recordedSteps("run")
      #expect(stopped.last != 100)

      // On one rank, without a launcher.
      let end = try bench.run(["supervise"] + options)
      #expect(end.exitCode == 0, "\(end.errorOutput)")
      let expected = try bench.train("reference", ["--steps", "100"])
      #expect(try bench.summary("run").parametersSHA256 == expected.parametersSHA256)
    }

    /// The job's first process is there; whether it listens nobody knows.
    @Test(arguments: [1, 2]) func aSignalWhileRanksAreStartedSavesToo(_ ranks: Int) throws {
      let bench = try Workbench()
      let run = try bench.start(["supervise", "--ranks", "\(ranks)"] + options)
      for _ in 0..<12_000 where RunningCommand.children(of: run.processID).isEmpty { usleep(5_000) }
      run.send(SIGTERM)
      let ending = try run.wait()
      #expect(ending.exitCode == 75 && !ending.timedOut, "\(ending.errorOutput)")
      let checkpoints = try FileManager.default.contentsOfDirectory(
        atPath: bench.path("run/checkpoints"))
      #expect(!checkpoints.isEmpty)
    }

    /// A scheduler warns first; of a terminal that is closed a shell and the kernel both tell.
    @Test(arguments: [SIGUSR1, SIGHUP])
    func signalsThatBelongTogetherSaveOnce(_ first: Int32) throws {
      let bench = try Workbench()
      let run = try bench.start(["supervise", "--ranks", "2"] + options)
      try #require(run.awaitStep(8) != nil)
      run.send(first)
      run.send(SIGTERM)
      let ending = try run.wait()
      #expect(ending.exitCode == 75 && !ending.timedOut, "\(ending.errorOutput)")
      #expect(!ending.errorOutput.contains("without saving"), "\(ending.errorOutput)")
    }

    @Test func wrongInputIsNotTriedAgain() throws {
      let bench = try Workbench()
      let unknown = try bench.run(["supervise", "--ranks", "2", "--set", "stepps=3"] + options)
      #expect(unknown.exitCode == 2 && unknown.errorOutput.contains("stepps"))
      // What only the ranks find out.
      let missing = try bench.run(
        ["supervise", "--ranks", "2", "--set", "data.train=nothing.bin"] + options)
      #expect(missing.exitCode == 2 && missing.errorOutput.contains("nothing.bin"))
      #expect(!missing.errorOutput.contains("going on"))

      let hosts = try bench.run(["supervise", "--hosts", "nowhere"] + options)
      #expect(hosts.exitCode == 2 && hosts.errorOutput.contains("nowhere: No such file"))
      let retry = try bench.run(["supervise", "--retry", "601"] + options)
      #expect(
        retry.exitCode == 2
          && retry.errorOutput.contains("--retry is a number from 1 to 600, not 601"))
      let pipe = try bench.shell("lockstep supervise /dev/stdin --output run < run.yaml")
      #expect(pipe.exitCode == 2 && pipe.errorOutput.contains("can be read once"))
      let both = try bench.run(["supervise", "--hosts", "nowhere", "--ranks", "2"] + options)
      #expect(both.exitCode == 2 && both.errorOutput.contains("exclude each other"))
    }

    @Test func aRunThatNeverComesForwardIsGivenUp() throws {
      let bench = try Workbench()
      let ending = try bench.run(
        ["supervise", "--attempts", "2", "--set", "optimizer.learning_rate=1e30"] + options)
      #expect(ending.exitCode == 1, "\(ending.errorOutput)")
      let words = ending.errorOutput.split(separator: "\n").filter {
        $0.hasPrefix("lockstep supervise: ")
      }
      #expect(words.filter { $0.contains("the run ended with exit code 1") }.count == 2)
      #expect(words.last?.contains("giving up: 2 starts in a row") == true, "\(words)")
    }
  }
}
