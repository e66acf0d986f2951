import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// What is damaged, unreadable or in motion on disk is never taken for absent.
  @Suite struct LostAndFoundTests {
    private static let newest = "run/checkpoints/step-00000050"

    private func makeRun() throws -> Workbench {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      return bench
    }

    private func edit(_ bench: Workbench, _ name: String, _ change: (inout Data) -> Void) throws {
      let url = bench.folder.appending(path: name)
      var bytes = try Data(contentsOf: url)
      change(&bytes)
      try bytes.write(to: url)
    }

    private func checkpoints(_ bench: Workbench) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: bench.path("run/checkpoints")).sorted()
        .map { "run/checkpoints/" + $0 }
    }

    private func later(_ bytes: inout Data) {
      bytes = Data(
        String(decoding: bytes, as: UTF8.self)
          .replacing("\"version\" : 2", with: "\"version\" : 9").utf8)
    }

    @Test(arguments: ["torn", "later"]) func resumingWhereNothingCanBeReadIsRefused(
      _ kind: String
    ) throws {
      let bench = try makeRun()
      for checkpoint in try checkpoints(bench) {
        try edit(bench, checkpoint + "/manifest.json") { bytes in
          if kind == "torn" { bytes.removeLast(10) } else { later(&bytes) }
        }
      }
      let before = try bench.contents(of: "run")
      let ending = try bench.run(
        ["train", "run.yaml", "--output", "run", "--resume"] + Workbench.tiny, ranks: 2)
      #expect(ending.exitCode == 2 && ending.messages.count == 1, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("none of the run's 3 checkpoints can be read"))
      for checkpoint in try checkpoints(bench) { #expect(ending.errorOutput.contains(checkpoint)) }
      if kind == "later" { #expect(ending.errorOutput.contains("has format version 9")) }
      #expect(try bench.contents(of: "run").mapValues(\.count) == before.mapValues(\.count))
      for command in [
        ["evaluate", "run"], ["generate", "run", "--prompt", "the"],
        ["explain", "run", "--text", "the"],
      ] {
        let ending = try bench.run(command)
        #expect(ending.exitCode == 2, "\(command): \(ending.errorOutput)")
        #expect(ending.errorOutput.contains("none of the run's checkpoints can be read"))
      }
    }

    @Test func goingOnFromAnOlderCheckpointIsSaidEvenQuietly() throws {
      let bench = try makeRun()
      let hash = try bench.summary("run").parametersSHA256
      try edit(bench, Self.newest + "/model.safetensors") { $0[$0.count - 1] ^= 1 }
      let ending = try bench.run(
        ["train", "run.yaml", "--output", "run", "--resume", "--quiet"] + Workbench.tiny)
      #expect(ending.exitCode == 0)
      #expect(ending.messages.count == 1, "\(ending.errorOutput)")
      #expect(ending.errorOutput.hasPrefix("lockstep: \(Self.newest) is not complete ("))
      #expect(ending.errorOutput.contains("the run goes on from step 48"))
      #expect(try bench.summary("run").parametersSHA256 == hash)
    }

    @Test func aSweepSaysThatATrialGoesOnFromAnOlderCheckpoint() throws {
      let bench = try Workbench()
      try bench.write(
        "{base: run.yaml, method: grid, parameters: {optimizer.learning_rate: {values: [0.01]}}}",
        to: "sweep.yaml")
      let arguments = ["sweep", "sweep.yaml", "--output", "out", "--quiet"] + Workbench.tiny
      #expect(try bench.run(arguments).exitCode == 0)
      let trial = try #require(
        FileManager.default.contentsOfDirectory(atPath: bench.path("out/trials"))
          .first { !$0.hasSuffix(".json") })
      let newest = "out/trials/\(trial)/checkpoints/step-00000050"
      try edit(bench, newest + "/state.json") { $0[0] ^= 1 }
      try FileManager.default.removeItem(atPath: bench.path("out/trials/\(trial).json"))
      let ending = try bench.run(arguments + ["--resume"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.errorOutput.hasPrefix("lockstep: \(newest) is not complete ("))
    }

    // MARK: - inspect --verify

    @Test func everyByteIsVerified() throws {
      let bench = try makeRun()
      let sound = try bench.run(["inspect", "--verify", "run"])
      #expect(sound.exitCode == 0, "\(sound.output)")
      #expect(sound.output.hasSuffix("run: everything is as it was written\n"))
      #expect(sound.output.split(separator: "\n").count == 8, "\(sound.output)")
      let files = try FileManager.default.contentsOfDirectory(atPath: bench.path(Self.newest))
      for name in files.map({ "\(Self.newest)/\($0)" }) + [
        "run/config.yaml", "run/data.json", "run/summary.json", "run/metrics.jsonl",
      ] {
        let whole = try Data(contentsOf: bench.folder.appending(path: name))
        try edit(bench, name) { $0.replaceSubrange($0.count / 2..<$0.count / 2 + 1, with: [0]) }
        let ending = try bench.run(["inspect", "--verify", "run"])
        #expect(ending.exitCode == 1, "\(name): \(ending.output)")
        let problems = ending.output.split(separator: "\n").filter { $0.hasPrefix("PROBLEM") }
        #expect(!problems.isEmpty, "\(name): \(ending.output)")
        #expect(
          problems.contains { $0.contains(name.contains("checkpoints") ? Self.newest : name) })
        try whole.write(to: bench.folder.appending(path: name))
      }
      #expect(try bench.run(["inspect", "--verify", Self.newest]).exitCode == 0)
      #expect(try bench.run(["inspect", "--verify", "data"]).exitCode == 2)
    }

    /// Whoever can hash can sign: then parts still have to agree.
    @Test func whatContradictsItselfIsFound() throws {
      let bench = try makeRun()
      let other = try bench.run(
        ["train", "run.yaml", "--output", "other", "--quiet", "--set", "seed=7"] + Workbench.tiny)
      #expect(other.exitCode == 0)
      for (source, destination) in [
        ("run/checkpoints/step-00000048", Self.newest),
        ("other/checkpoints/step-00000050", Self.newest),
      ] {
        try FileManager.default.removeItem(atPath: bench.path(destination))
        try FileManager.default.copyItem(
          atPath: bench.path(source), toPath: bench.path(destination))
        let ending = try bench.run(["inspect", "--verify", "run", "--json"])
        #expect(ending.exitCode == 1, "\(source): \(ending.output)")
        #expect(ending.output.contains(#""sound":false"#))
      }
    }

    // MARK: - Beside a run

    /// Each checkpoint is removed two steps after it was saved.
    @Test func readersBesideARunNeverFail() throws {
      let bench = try Workbench()
      let options =
        Workbench.tiny + [
          "--set", "checkpoint={every: 1, keep: 1}", "--set", "schedule={name: constant}",
        ]
      try bench.train("run", options + ["--steps", "3"])
      let training = try bench.start(
        ["train", "run.yaml", "--output", "run", "--quiet", "--resume", "--steps", "100000"]
          + options)
      for _ in 0..<4 {
        for command in [
          ["evaluate", "run"], ["generate", "run", "--prompt", "the", "--max-tokens", "3"],
          ["explain", "run", "--text", "the", "--json"], ["inspect", "run"],
        ] {
          let ending = try bench.run(command)
          #expect(ending.exitCode == 0, "\(command): \(ending.errorOutput)")
        }
      }
      let ranks = try bench.run(["evaluate", "run"], ranks: 2)
      #expect(ranks.exitCode == 0, "\(ranks.errorOutput)")
      training.send(SIGTERM)
      #expect(try training.wait().exitCode == 75)
    }

    // MARK: - Preparation

    /// The limit on a file's size ends the process with a signal, when the first text is written.
    @Test func aKilledPreparationDoesNotStandInTheWay() throws {
      let bench = try Workbench()
      let (short, long) = ("a\n", String(repeating: "b", count: 4000) + "\n")
      try bench.write(String(repeating: short, count: 100), to: "short.txt")
      try bench.write(String(repeating: long, count: 100), to: "long.txt")
      let lockstep = try MPIRunner.product("lockstep").path
      let prepare = "prepare short.txt long.txt --pairs --output pairs --tokenizer bytes"
      let killed = try RunningCommand(
        ["bash", "-c", "ulimit -f 100; exec \(lockstep) \(prepare)"], in: bench.folder,
        timeout: .seconds(60)
      ).wait()
      #expect(killed.exitCode != 0)
      let left = try FileManager.default.contentsOfDirectory(atPath: bench.path("pairs"))
      #expect(left.contains { $0.contains("train.source.bin") } && !left.contains("dataset.json"))
      let ending = try bench.run(prepare.split(separator: " ").map(String.init))
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let names = try FileManager.default.contentsOfDirectory(atPath: bench.path("pairs"))
      #expect(
        names.sorted() == [
          "dataset.json", "tokenizer.json", "train.source.bin", "train.target.bin",
          "validation.source.bin", "validation.target.bin",
        ])
    }
  }
}
