import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Searches from the command line.
  @Suite struct SweepTests {
    /// Five trials of a model whose step takes some milliseconds.
    private static let sweep = """
      base: run.yaml
      method: random
      trials: 5
      parameters:
        optimizer.learning_rate: {low: 1e-4, high: 1e-1, scale: log}
        model.dropout: {values: [0.0, 0.1]}
      """

    /// Overrides under which a trial takes a tenth of a second.
    private static let tiny =
      Workbench.tiny + [
        "--set", "schedule.name=constant", "--set", "steps=80", "--set", "checkpoint.every=25",
      ]

    private func makeBench() throws -> Workbench {
      let bench = try Workbench()
      try bench.write(Self.sweep, to: "search.yaml")
      return bench
    }

    /// `sweep.json` without what a clock has measured.
    private func report(_ bench: Workbench, _ output: String) throws -> String {
      try bench.text(output + "/sweep.json").split(separator: "\n")
        .filter { !$0.contains("\"seconds\"") }.joined(separator: "\n")
    }

    private func search(
      _ bench: Workbench, _ output: String, ranks: Int? = nil, _ options: [String] = []
    ) throws -> RunningCommand.Ending {
      try bench.run(
        ["sweep", "search.yaml", "--output", output] + Self.tiny + options, ranks: ranks)
    }

    @Test func processesSideBySideEqualOneInSequence() throws {
      let bench = try makeBench()
      let alone = try search(bench, "alone")
      #expect(alone.exitCode == 0, "\(alone.errorOutput)")
      let table = alone.output.components(separatedBy: "\n\n")[2].split(separator: "\n")
      #expect(table.count == 6 && table[1].hasPrefix("1   "), "\(alone.output)")
      #expect(alone.output.contains("trial 5/5"))
      for (ranks, groups) in [(2, 1), (2, 2), (3, 2)] {
        let output = "on-\(ranks)-in-\(groups)"
        let ending = try search(bench, output, ranks: ranks, ["--groups", "\(groups)", "--quiet"])
        #expect(ending.exitCode == 0 && ending.output.isEmpty, "\(ending.errorOutput)")
        #expect(try report(bench, output) == report(bench, "alone"))
      }
      // A trial is a run.
      let text = try bench.run(
        ["generate", "alone/trials/0002", "--prompt", "the", "--max-tokens", "3"])
      #expect(text.exitCode == 0, "\(text.errorOutput)")
    }

    @Test(arguments: [nil, 2]) func aSignalStopsInTheMiddleOfATrialAndResumeGoesOn(
      _ ranks: Int?
    ) throws {
      let bench = try makeBench()
      let groups = ranks.map { ["--groups", "\($0)"] } ?? []
      // A signal may also come between two trials: then it is sent to another sweep.
      var stopped: RunningCommand.Ending
      repeat {
        try? FileManager.default.removeItem(atPath: bench.path("out"))
        let running = try bench.start(
          ["sweep", "search.yaml", "--output", "out", "--json"] + Self.tiny + groups, ranks: ranks)
        #expect(running.nextLine()?.contains("\"event\":\"run\"") == true)
        for _ in 0..<5000
        where !bench.exists("out/trials/000\((ranks ?? 1) + 1)/metrics.jsonl") { usleep(1000) }
        running.send(ranks == nil ? SIGTERM : SIGUSR1)
        stopped = try running.wait()
        try #require(stopped.exitCode == 75, "\(stopped.errorOutput)")
      } while !stopped.output.contains("\"reason\":\"stopped after step ")
      #expect(try bench.text("out/sweep.json").contains("\"state\" : \"stopped\""))

      let refused = try search(bench, "out")
      #expect(refused.exitCode == 2 && refused.errorOutput.contains("add --resume"))
      let resumed = try search(bench, "out", ["--resume", "--quiet"])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(try search(bench, "whole").exitCode == 0)
      #expect(try report(bench, "out") == report(bench, "whole"))
      // What is complete is left as it is.
      let before = try report(bench, "out")
      #expect(try search(bench, "out", ["--resume"]).exitCode == 0)
      #expect(try report(bench, "out") == before)
    }

    @Test func aSignalToOneRankStopsAllGroups() throws {
      let bench = try makeBench()
      let running = try bench.start(
        ["sweep", "search.yaml", "--output", "out", "--json", "--groups", "2"] + Self.tiny, ranks: 2
      )
      #expect(running.nextLine() != nil)
      kill(try #require(running.processID(ofRank: 1)), SIGTERM)
      #expect(try running.wait().exitCode == 75)
      let resumed = try search(bench, "out", ranks: 2, ["--resume", "--quiet"])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(try search(bench, "whole").exitCode == 0)
      #expect(try report(bench, "out") == report(bench, "whole"))
    }

    @Test func aKilledRankEndsTheJobAndResumeGoesOn() throws {
      let bench = try makeBench()
      let running = try bench.start(
        ["sweep", "search.yaml", "--output", "out", "--json", "--groups", "2"] + Self.tiny, ranks: 2
      )
      #expect(running.nextLine() != nil)
      kill(try #require(running.processID(ofRank: 0)), SIGKILL)
      let ending = try running.wait()
      #expect(ending.exitCode != 0 && ending.exitCode != 75 && !ending.timedOut)
      let resumed = try search(bench, "out", ["--resume", "--quiet"])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(try search(bench, "whole").exitCode == 0)
      #expect(try report(bench, "out") == report(bench, "whole"))
    }

    @Test func wrongInputIsToldOnceAndChangesNothing() throws {
      let bench = try makeBench()
      let parameters = "base: run.yaml\nparameters:\n  "
      let files = [
        ("key", parameters + "optimizer.learing_rate: {values: [1]}"),
        ("section", parameters + "optimiser.learning_rate: {values: [1]}"),
        ("value", parameters + "model.heads: {values: [2, 3, 5]}"),
        ("twice", parameters + "steps: {values: [3, -3]}\nmethd: grid\n"),
        ("metric", parameters + "seed: {values: [3]}\nmetric: accuracy\n"),
        ("base", "{base: none.yaml, parameters: {seed: {values: [1]}}}"),
        ("data", parameters + "data.train: {values: [data/train.bin, none.bin]}"),
        ("model", parameters + "model: {values: [{architecture: gpt, layers: 1, width: 16}]}"),
        (
          "halving",
          parameters + "seed: {low: 1, high: 9, integer: true}\nmethod: halving\nmin_steps: 50\n"
        ),
        ("folds", parameters + "seed: {values: [1]}\nfolds: 5\n"),
        ("good", Self.sweep),
      ]
      for (name, text) in files { try bench.write(text, to: "\(name).yaml") }
      try bench.write("something", to: "full.txt")
      #expect(try bench.run(["sweep", "good.yaml", "--output", "there"] + Self.tiny).exitCode == 0)
      for (arguments, expected) in [
        (
          "key.yaml", "key.yaml:3: optimizer.learing_rate: unknown key; did you mean learning_rate?"
        ),
        ("section.yaml", "optimiser: unknown key; did you mean optimizer?"),
        ("value.yaml", "value.yaml:3: model.heads: found 5, expected a divisor"),
        ("twice.yaml", "methd: unknown key; did you mean method?"),
        ("metric.yaml", "do not measure accuracy; they measure loss, validation_loss, "),
        ("base.yaml", "none.yaml: no such file"),
        ("data.yaml", "none.bin"),
        ("halving.yaml", "min_steps: found 50, expected below the configuration's steps (50)"),
        (
          "folds.yaml",
          "data.folds: a key of format: idx or format: csv, but here format is tokens: leave it out, or choose another format"
        ),
        ("nothing.yaml", "nothing.yaml: no such file"),
        ("good.yaml --groups 2", "--groups 2: expected a number from 1 to that of the ranks (1)"),
        ("good.yaml --groups 0", "--groups 0: expected"),
        ("good.yaml --resume", "runs/good holds no sweep to resume"),
        ("good.yaml --output data", "data is not empty and holds no sweep"),
        ("good.yaml --output there", "already holds a sweep: add --resume"),
        (
          "search.yaml --output there --resume",
          "model.width: the run holds 16, the configuration says 48"
        ),
        ("key.yaml --output there --resume", "did you mean learning_rate"),
        ("good.yaml --set model.dropout=0", "the sweep itself sets model.dropout in every"),
        ("model.yaml --set model.width=32", "model.width: the sweep itself sets model in every"),
        ("good.yaml --set stps=3", "stps: unknown key; did you mean steps?"),
      ] {
        let before = try bench.contents(of: ".")
        let ending = try bench.run(["sweep"] + arguments.split(separator: " ").map(String.init))
        let told = "\(arguments): \(ending.errorOutput)"
        #expect(ending.exitCode == 2, "\(told)")
        #expect(ending.messages.count == 1 && ending.errorOutput.contains(expected), "\(told)")
        #expect(ending.output.isEmpty, "\(ending.output)")
        #expect(try bench.contents(of: ".") == before, "\(told)")
      }
      let ranks = try bench.run(["sweep", "metric.yaml", "--groups", "2"], ranks: 2)
      #expect(ranks.exitCode == 2 && ranks.messages.count == 1, "\(ranks.errorOutput)")
    }
  }
}
