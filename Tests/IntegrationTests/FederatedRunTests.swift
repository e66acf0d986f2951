import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Federated training from the command line, where each client has files of its own.
  @Suite struct FederatedRunTests {
    /// A table for each of four clients, of whom none has all three classes, and a public one.
    private func bench() throws -> Workbench {
      let bench = try Workbench()
      var generator = SeededGenerator(seed: 11)
      func table(_ rows: Int, _ kinds: [Int]) -> String {
        "x,y,kind\n"
          + (0..<rows).map { _ in
            let kind = kinds[Int.random(in: 0..<kinds.count, using: &generator)]
            let (x, y) = (generator.normals(1)[0], generator.normals(1)[0])
            return "\(x + Float(2 * kind)),\(y),\(["red", "green", "blue"][kind])\n"
          }.joined()
      }
      try bench.write(table(60, [0, 1, 2]), to: "public.csv")
      for (client, kinds) in [[0], [1, 2], [0, 2], [1]].enumerated() {
        try bench.write(table(20 + 15 * client, kinds), to: "own-\(client).csv")
      }
      try bench.write(
        """
        task: classification
        data: {format: csv, train: "own-{client}.csv", validation: public.csv, target: kind}
        model: {architecture: mlp, hidden: [8]}
        batch: {sequences: 16, microbatches: 1}
        optimizer: {name: sgd, learning_rate: 0.3}
        steps: 60
        schedule: {name: constant}
        federated: {clients: 4, local_steps: 2}
        evaluate: {every: 30, batches: 0}
        checkpoint: {every: 30}
        """, to: "clients.yaml")
      return bench
    }

    private func train(
      _ bench: Workbench, _ output: String, _ options: [String] = [], ranks: Int? = nil
    ) throws -> String {
      let ending = try bench.run(
        ["train", "clients.yaml", "--quiet", "--output", output] + options, ranks: ranks)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try bench.summary(output).parametersSHA256
    }

    @Test func clientsWithFilesOfTheirOwnTrainToTheSameBits() throws {
      let bench = try bench()
      let alone = try train(bench, "alone")
      let masks = ["--set", "federated.secure=true"]
      for (ranks, options) in [(2, []), (3, masks)] {
        #expect(try train(bench, "run\(ranks)", options, ranks: ranks) == alone)
      }
      // A supervisor starts ranks for clients, not for micro-batches.
      let supervised = try bench.run(
        ["supervise", "clients.yaml", "--quiet", "--output", "supervised", "--ranks", "2"])
      #expect(supervised.exitCode == 0, "\(supervised.errorOutput)")
      let summary = try bench.summary("supervised")
      #expect(summary.ranks == 2 && summary.parametersSHA256 == alone)
      // A client that lacks classes does not number the others anew.
      let evaluated = try bench.run(["evaluate", "alone", "--json"])
      #expect(evaluated.exitCode == 0, "\(evaluated.errorOutput)")
      let report = try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8))
      #expect((report as? [String: Any])?["accuracy"] as? Double ?? 0 > 0.6)
      let steps = try bench.text("alone/metrics.jsonl").split(separator: "\\n")
      #expect(steps.contains { $0.contains("\"clients\":4") })
      // What each client learned from is known by its hash.
      let record = try bench.text("alone/data.json")
      for client in 0..<4 { #expect(record.contains("data.train[\(client)]")) }
    }

    @Test func aClientWithoutDataIsAnErrorAtFirstAndLeftOutLater() throws {
      let bench = try bench()
      _ = try train(bench, "run", ["--steps", "30"])
      try FileManager.default.removeItem(at: bench.url("own-2.csv"))
      let refused = try bench.run(["train", "clients.yaml", "--quiet", "--output", "other"])
      #expect(refused.exitCode == 2)
      #expect(refused.errorOutput.contains("no rank has training data of client 2"))
      #expect(refused.errorOutput.contains("own-2.csv"))
      let resumed = try bench.run(
        ["train", "clients.yaml", "--output", "run", "--resume"])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(resumed.output.contains("no rank has the data of client 2: left out of every round"))
      #expect(try bench.text("run/metrics.jsonl").contains("\"clients\":3"))
    }

    /// What a client had taught the run before its data went away is still a part of the run.
    @Test(arguments: [nil, 2]) func aClientThatComesBackWithOtherDataIsToldApart(
      ranks: Int?
    ) throws {
      let bench = try bench()
      _ = try train(bench, "run", ["--steps", "2"], ranks: ranks)
      let learned = try bench.text("run/data.json")
      let table = try bench.text("own-2.csv")
      try FileManager.default.removeItem(at: bench.url("own-2.csv"))
      // Twice, for the second time the record of the first is what there is.
      for steps in ["3", "4"] {
        _ = try train(bench, "run", ["--resume", "--steps", steps], ranks: ranks)
        #expect(try bench.text("run/data.json") == learned)
        #expect(
          try bench.text("run/checkpoints/step-0000000\(steps)/data.json") == learned)
      }
      try bench.write(
        table.split(separator: "\n").dropLast(16).joined(separator: "\n"), to: "own-2.csv")
      let resume = ["train", "clients.yaml", "--output", "run", "--resume", "--steps", "6"]
      let refused = try bench.run(resume, ranks: ranks)
      #expect(refused.exitCode == 2)
      #expect(
        refused.errorOutput.contains("run learned from other data"), "\(refused.errorOutput)")
      #expect(refused.errorOutput.contains("data.train[2]: own-2.csv had"))
      // With what it had the client takes part again.
      try bench.write(table, to: "own-2.csv")
      let resumed = try bench.run(resume, ranks: ranks)
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(try bench.text("run/data.json") == learned)
    }

    /// With the same noise, the difference from a run that has the client would be the client's change alone.
    @Test func aPrivateRunThatLosesAClientDrawsOtherwise() throws {
      let bench = try bench()
      let key = try bench.run(["key", "--output", "clients.key"])
      try #require(key.exitCode == 0, "\(key.errorOutput)")
      let options = [
        "--set", "privacy={noise: 1, delta: 0.1, clip: 1, key_file: clients.key}",
        "--set", "federated.weighting=uniform", "--set", "data.normalize=false",
      ]
      _ = try train(bench, "run", options + ["--steps", "2"])
      func goesOnOtherwise(to steps: Int) throws -> Bool {
        let resumed = try bench.run(
          ["train", "clients.yaml", "--output", "run", "--resume", "--steps", "\(steps)"]
            + options)
        #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
        return resumed.output.contains("other samples and other noise")
      }
      let table = try bench.text("own-2.csv")
      #expect(try !goesOnOtherwise(to: 3))
      try FileManager.default.removeItem(at: bench.url("own-2.csv"))
      #expect(try goesOnOtherwise(to: 4))
      #expect(try !goesOnOtherwise(to: 5))
      try bench.write(table, to: "own-2.csv")
      #expect(try goesOnOtherwise(to: 6))
    }

    @Test func aRoundOfTooFewClientsWithDataToHideAmongIsSkippedAndSaysSo() throws {
      let bench = try bench()
      let secure = ["--set", "federated.secure=true"]
      let begin = try train(bench, "run", secure + ["--steps", "2"])
      for client in 2...3 {
        try FileManager.default.removeItem(at: bench.url("own-\(client).csv"))
      }
      let resumed = try bench.run(
        ["train", "clients.yaml", "--output", "run", "--resume", "--steps", "3"] + secure)
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(
        resumed.output.contains("step 3 changed nothing: it has fewer than 3 clients with data"))
      #expect(try bench.summary("run").parametersSHA256 == begin)
    }

    /// Each rank is in a folder with its clients' files alone.
    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func aClientsFileIsReadByTheRankThatHasItAlone() throws {
      let bench = try bench()
      let alone = try train(bench, "alone")
      for (place, files) in [
        ["public.csv", "own-3.csv"], ["own-0.csv", "own-1.csv", "own-2.csv"],
      ]
      .enumerated() {
        let folder = bench.url("host\(place)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        for file in files + ["clients.yaml"] {
          try FileManager.default.copyItem(
            at: bench.url(file), to: folder.appendingPathComponent(file))
        }
      }
      let command = [
        try MPIRunner.product("lockstep").path, "train", "clients.yaml", "--quiet", "--output",
        "run",
      ]
      let ending = try RunningCommand(
        ["mpirun"] + MPIRunner.launch(ranks: 1, in: bench.folder)
          + ["-wdir", bench.path("host0")] + command
          + [":", "-np", "1", "-wdir", bench.path("host1")] + command,
        in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(try bench.summary("host0/run").parametersSHA256 == alone)
    }

    @Test func aRunOfClientsIsNotAudited() throws {
      let bench = try bench()
      _ = try train(bench, "run", ["--steps", "1"])
      for part in ["membership", "epsilon"] {
        let ending = try bench.run(["audit", part, "run"])
        #expect(ending.exitCode == 2)
        #expect(ending.errorOutput.contains("no audit trains as clients do"), "\(part)")
      }
    }

    @Test func clientsLearnFromTokenFilesAndDealtOutText() throws {
      let bench = try Workbench()
      for client in 0..<3 {
        try FileManager.default.copyItem(
          at: bench.url("data/train.bin"), to: bench.url("data/own-\(client).bin"))
      }
      let own = [
        "--set",
        "data={train: 'data/own-{client}.bin', validation: data/validation.bin, tokenizer: data/tokenizer.json}",
        "--set", "federated={clients: 3, local_steps: 2}", "--steps", "2",
      ]
      let first = try bench.train("own1", Workbench.tiny + own).parametersSHA256
      #expect(try bench.train("own2", Workbench.tiny + own, ranks: 2).parametersSHA256 == first)
      let dealt = [
        "--set", "federated={clients: 3, local_steps: 2, partition: {name: even}}", "--steps", "2",
      ]
      #expect(try bench.train("dealt", Workbench.tiny + dealt).parametersSHA256 != first)
    }
  }
}
