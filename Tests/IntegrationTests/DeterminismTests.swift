import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// The promise: the same configuration gives the same bits on any number of ranks and threads.
  @Suite struct DeterminismTests {
    @Test func parametersAreTheSameHoweverTheRunIsLaunched() throws {
      let bench = try Workbench()
      let expected = try bench.train("alone", ["--set", "threads=1"]).parametersSHA256
      #expect(try bench.train("threads", ["--set", "threads=2"]).parametersSHA256 == expected)
      for ranks in [1, 2, 3, 4, 8] {
        let summary = try bench.train("ranks-\(ranks)", ranks: ranks)
        #expect(summary.parametersSHA256 == expected, "\(ranks) ranks")
        #expect(summary.ranks == ranks)
        #expect(summary.steps == 50)
      }
      for options in [["--ranks", "4"], ["--ranks", "4", "--ranks-per-host", "2"]] {
        let ending = try bench.run(["debug", "run.yaml", "--output", "debug"] + options)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        #expect(try bench.summary("debug").parametersSHA256 == expected, "\(options)")
        try FileManager.default.removeItem(atPath: bench.path("debug"))
      }
      // Another seed is another run: the hash is not a constant.
      #expect(
        try bench.train("other", ["--set", "seed=1338"]).parametersSHA256 != expected)
    }

    @Test func recomputationChangesNoParameter() throws {
      let bench = try Workbench()
      let expected = try bench.train("plain", ["--set", "threads=1"]).parametersSHA256
      let options = ["--set", "model.recompute=true"]
      for threads in ["1", "2"] {
        let summary = try bench.train(
          "threads-\(threads)", options + ["--set", "threads=\(threads)"])
        #expect(summary.parametersSHA256 == expected, "\(threads) threads")
      }
      for ranks in [2, 3] {
        let summary = try bench.train("ranks-\(ranks)", options, ranks: ranks)
        #expect(summary.parametersSHA256 == expected, "\(ranks) ranks")
      }
    }

    @Test func aRunMayBeResumedWithRecomputation() throws {
      let bench = try Workbench()
      let expected = try bench.train("whole").parametersSHA256
      let run = try bench.start(["train", "run.yaml", "--json", "--output", "run"])
      try #require(run.awaitStep(7) != nil)
      run.send(SIGUSR1)
      #expect(try run.wait().exitCode == 75)
      let resumed = try bench.train("run", ["--resume", "--set", "model.recompute=true"])
      #expect(resumed.parametersSHA256 == expected)
    }

    @Test func aRunThatIsKilledStoppedAndResumedElsewhereEqualsTheUninterrupted() throws {
      let bench = try Workbench()
      let expected = try bench.train("whole").parametersSHA256
      let arguments = ["train", "run.yaml", "--json", "--output", "run"]

      let killedStep = 9
      let first = try bench.start(arguments, ranks: 2)
      try #require(first.awaitStep(killedStep) != nil)
      kill(try #require(first.processID(ofRank: 1)), SIGKILL)
      #expect(try first.wait().exitCode != 0)

      let second = try bench.start(arguments + ["--resume"], ranks: 4)
      let stoppedAfter = try #require(second.awaitStep(killedStep + 5))
      second.send(SIGUSR1)
      let ending = try second.wait()
      #expect(ending.exitCode == 75, "\(ending.errorOutput)")
      #expect(ending.messages.isEmpty, "\(ending.errorOutput)")
      #expect(!bench.exists("run/summary.json"), "stopped after step \(stoppedAfter)")

      let summary = try bench.train("run", ["--resume"])
      #expect(summary.parametersSHA256 == expected, "killed at step \(killedStep)")
      #expect(summary.tokens == 50 * 8 * 2 * 48)
      #expect(try bench.recordedSteps("run") == Array(1...50))
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
    func aSignalSavesTheRunAndTheSameProcessCanGoOn(_ signal: Int32) throws {
      let bench = try Workbench()
      let expected = try bench.train("whole").parametersSHA256
      let run = try bench.start(["train", "run.yaml", "--json", "--output", "run"])
      try #require(run.awaitStep(7) != nil)
      run.send(signal)
      let ending = try run.wait()
      #expect(ending.exitCode == 75, "\(ending.errorOutput)")
      #expect(ending.output.contains("\"event\":\"stopped\""))
      #expect(try bench.train("run", ["--resume"]).parametersSHA256 == expected)
      #expect(try bench.recordedSteps("run") == Array(1...50))
    }

    /// As a run that was killed between its last checkpoint and its summary.
    @Test func aRunWithoutItsSummaryGetsTheSameOneAgain() throws {
      let bench = try Workbench()
      let first = try bench.train("run", Workbench.tiny)
      try FileManager.default.removeItem(atPath: bench.path("run/summary.json"))
      let again = try bench.train("run", Workbench.tiny + ["--resume"])
      #expect(again.loss == first.loss && again.loss != nil)
      #expect(again.validationLoss == first.validationLoss)
      #expect(again.parametersSHA256 == first.parametersSHA256)
    }

    @Test func resumingACompleteRunChangesNothing() throws {
      let bench = try Workbench()
      let first = try bench.train("run", Workbench.tiny)
      let before = try bench.contents(of: "run")
      let again = try bench.train("run", Workbench.tiny + ["--resume"], ranks: 2)
      #expect(again == first)
      #expect(try bench.contents(of: "run") == before)
    }

    @Test func aDamagedNewestCheckpointIsPassedOverAndSaidSo() throws {
      let bench = try Workbench()
      let expected = try bench.train("run", Workbench.tiny).parametersSHA256
      let newest = bench.path("run/checkpoints/step-00000050/model.safetensors")
      let file = try #require(FileHandle(forUpdatingAtPath: newest))
      try file.seek(toOffset: 3000)
      try file.write(contentsOf: Data([1, 2, 3]))
      try file.close()
      let ending = try bench.run(
        ["train", "run.yaml", "--resume", "--output", "run"] + Workbench.tiny)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.contains("step-00000050/model.safetensors: has SHA-256"))
      #expect(try bench.summary("run").parametersSHA256 == expected)
    }

    @Test func plainAllreduceTrainsToo() throws {
      let bench = try Workbench()
      let options = ["--set", "reduction=allreduce"]
      let two = try bench.train("two", options, ranks: 2)
      let three = try bench.train("three", options, ranks: 3)
      let canonical = try bench.train("canonical", ranks: 2)
      for summary in [two, three] {
        // The order of the additions differs: the numbers agree, the bits need not.
        let (loss, expected) = (try #require(summary.loss), try #require(canonical.loss))
        #expect(abs(loss - expected) < 0.02 * expected)
        #expect(loss < 4, "a model that has learned nothing is at log 257 = 5.55")
      }
    }
  }
}
