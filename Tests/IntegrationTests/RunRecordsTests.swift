import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// What can be seen of a run afterwards: its steps, another run beside it, its parameters, its data.
  @Suite struct RunRecordsTests {
    private func json(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func output(_ bench: Workbench, _ arguments: [String]) throws -> String {
      let ending = try bench.run(arguments)
      try #require(ending.exitCode == 0, "\(arguments): \(ending.errorOutput)")
      return ending.output
    }

    // MARK: - Steps

    @Test func metricsAreTheLinesThatTheRunRecorded() throws {
      let bench = try Workbench.ofSamples()
      _ = try output(
        bench,
        ["train", "values.yaml", "--quiet", "--output", "run", "--set", "evaluate.every=80"])
      struct Line: Decodable {
        let step: Int
        let loss: Double?
        let validationLoss: Double?
      }
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      // Not by JSONSerialization, which rounds numbers of many digits once more.
      let recorded = try bench.text("run/metrics.jsonl").split(separator: "\n").map {
        try decoder.decode(Line.self, from: Data($0.utf8))
      }
      let csv = try output(bench, ["metrics", "run", "--csv", "--columns", "loss,validation_loss"])
      let lines = csv.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      #expect(lines[0] == ["step", "loss", "validation_loss"] && lines.count == 201)
      for line in recorded {
        if let loss = line.loss { #expect(Double(lines[line.step][1]) == loss) }
        if let loss = line.validationLoss { #expect(Double(lines[line.step][2]) == loss) }
      }
      let objects = try output(bench, ["metrics", "run", "--json", "--every", "70"])
        .split(separator: "\n").map { try json(String($0)) }
      #expect(objects.map { $0["step"] as? Int } == [70, 80, 140, 160, 200])
      let shown = try output(bench, ["metrics", "run"])
      let rows = shown.split(separator: "\n").compactMap { $0.split(separator: " ").first }
      #expect(shown.contains("every 5 steps") && rows.compactMap { Int($0) }.count == 40)
      for (arguments, expected) in [
        ("metrics run --columns lost", "there is no lost; there are step, loss"),
        ("metrics nowhere", "nowhere: no such file; name the directory of a run"),
        ("metrics run --csv --json", "exclude each other"),
      ] {
        let ending = try bench.run(arguments.split(separator: " ").map(String.init))
        #expect(ending.exitCode == 2 && ending.errorOutput.contains(expected))
      }
    }

    // MARK: - Another run

    @Test func runsAreComparedBitByBit() throws {
      let bench = try Workbench.ofSamples()
      func train(_ output: String, _ options: [String], ranks: Int? = nil) throws {
        let ending = try bench.run(
          ["train", "kinds.yaml", "--quiet", "--output", output, "--set", "steps=30"] + options,
          ranks: ranks)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      try train("a", [])
      try train("b", ["--set", "checkpoint.every=7"], ranks: 2)
      // The rate is another one from the sixth step on.
      try train("c", ["--set", "schedule.final_ratio=0.5", "--set", "seed=1337"])
      let same = try bench.run(["compare", "a", "b", "--same"])
      #expect(same.exitCode == 0, "\(same.output)")
      #expect(
        same.output.contains("losses and gradient norms of 30 common steps: the same, bit for bit"))
      #expect(same.output.contains("checkpoint.every (changes no bit of the result)"))
      #expect(same.output.contains("the same: \(try bench.summary("a").parametersSHA256)"))

      #expect(try bench.run(["compare", "a", "c"]).exitCode == 0)
      let other = try bench.run(["compare", "a", "c", "--same", "--json"])
      #expect(other.exitCode == 1)
      let report = try json(other.output)
      let configuration = try #require(report["configuration"] as? [[String: Any]])
      #expect(configuration.map { $0["key"] as? String } == ["schedule.final_ratio"])
      #expect(configuration[0]["decides_result"] as? Bool == true)
      let parting = try #require(report["losses_part"] as? [String: Any])
      // The first step after the first update that another rate made.
      let losses = try ["a", "c"].map { run in
        try bench.text(run + "/metrics.jsonl").split(separator: "\n")
          .map { try json(String($0)) }.filter { $0["loss"] != nil }
      }
      let first = zip(losses[0], losses[1]).first {
        $0["loss"] as? Double != $1["loss"] as? Double
          || $0["gradient_norm"] as? Double != $1["gradient_norm"] as? Double
      }
      #expect(parting["step"] as? Int == first?.0["step"] as? Int)
      #expect((parting["step"] as? Int ?? 0) > 1)
      #expect(
        report["parameters_sha256"] as? [String] == [
          try bench.summary("a").parametersSHA256, try bench.summary("c").parametersSHA256,
        ])

      try bench.write(try bench.text("train.csv") + "left,1,1,1\n", to: "train.csv")
      let ending = try bench.run(["compare", "a", "nowhere"])
      #expect(ending.exitCode == 2 && ending.messages.count == 1)
      // Other data are told by their content.
      try bench.write(
        try bench.text("train.csv").replacing("left,", with: "lower,"), to: "train.csv")
      try train("d", [])
      let data = try output(bench, ["compare", "a", "d"])
      #expect(data.contains("data.train: A train.csv, "))
    }

    // MARK: - Parameters

    @Test func whatASmallModelLearnedIsSaidInTheUnitsOfTheData() throws {
      let bench = try Workbench.ofSamples()
      let shown = try output(
        bench, ["train", "values.yaml", "--output", "run"])
      let line = try #require(shown.split(separator: "\n").first { $0.hasPrefix("formula") })
      // The data are y = 2 x - y + 5.
      let words = line.split(separator: " ").map(String.init)
      #expect(words.prefix(3) == ["formula", "value", "="] && words[5] == "x" && words[9] == "y")
      #expect(words[6] == "-" && words[10] == "+")
      let numbers = [words[3], words[7], words[11]].compactMap(Double.init)
      #expect(numbers.count == 3 && zip(numbers, [2, 1, 5]).allSatisfy { abs($0 - $1) < 0.01 })
      #expect(try bench.text("run/summary.json").contains("\"formula\":\"value = "))
      #expect(try bench.summary("run").formula?.hasPrefix("value = ") == true)

      let values = try json(output(bench, ["inspect", "run", "--values", "*.weight", "--json"]))
      let tensors = try #require(values["tensors"] as? [[String: Any]])
      #expect(tensors.count == 1 && tensors[0]["shape"] as? [Int] == [1, 2])
      #expect((tensors[0]["values"] as? [Double])?.count == 2)
      let limited = try output(bench, ["inspect", "run", "--values", "*", "--limit", "1"])
      #expect(limited.contains("and 1 more: --limit 0 shows all"))
      let none = try bench.run(["inspect", "run", "--values", "head"])
      #expect(
        none.exitCode == 2 && none.errorOutput.contains("has no parameter 'head'; it has linear"))
    }

    @Test func theAmplitudeOfASineIsFound() throws {
      let bench = try Workbench()
      let points = (0..<16).map { place -> String in
        let x = Double(place) * Double.pi / 8
        return "\(x),\(3 * sin(x))\n"
      }
      try bench.write("x,y\n" + points.joined(), to: "sine.csv")
      try bench.write(
        """
        task: regression
        data: {format: csv, train: sine.csv, target: y, normalize: false}
        model: {architecture: sine}
        batch: {sequences: 16, microbatches: 1}
        optimizer: {name: sgd, learning_rate: 0.1, clip_norm: 0}
        schedule: {name: constant}
        steps: 200
        """, to: "sine.yaml")
      let shown = try output(bench, ["train", "sine.yaml", "--output", "run"])
      #expect(shown.contains("formula      y = 3 · sin(x)\n"), "\(shown)")
    }

    // MARK: - Data

    @Test func dataAndConfigurationsSayWhatTheyHold() throws {
      let bench = try Workbench.ofSamples()
      let table = try json(output(bench, ["inspect", "test.csv", "--json"]))
      let columns = try #require(table["columns"] as? [[String: Any]])
      #expect(table["rows"] as? Int == 60)
      #expect(columns.map { $0["name"] as? String } == ["kind", "x", "y", "value"])
      #expect(columns[0]["different"] as? Int == 3 && columns[0]["mean"] == nil)
      #expect((columns[1]["minimum"] as? Double ?? 0) < (columns[1]["maximum"] as? Double ?? 0))
      try bench.write(
        "base: kinds.yaml\nparameters: {optimizer.learning_rate: [0.1, 0.2]}\n", to: "search.yaml")
      for (path, expected) in [
        ("test.csv", "table, 60 rows of 4 columns"),
        ("test-images", "50 images of 28 × 28 pixels"), ("test-labels", "50 labels (IDX)"),
        ("data", "data set of texts, made by lockstep prepare"),
        ("kinds.yaml", "task        classification"),
        ("search.yaml", "varies       optimizer.learning_rate"),
      ] {
        let shown = try output(bench, ["inspect", path])
        #expect(shown.contains(expected), "\(shown)")
        _ = try json(output(bench, ["inspect", path, "--json"]))
      }
      try bench.write("task: regresion\n", to: "wrong.yaml")
      for (arguments, expected) in [
        ("inspect wrong.yaml", "wrong.yaml:1: task"),
        ("inspect text.txt", "text; lockstep prepare makes token files of it"),
        ("inspect test.csv --limit 3", "--limit goes with --values"),
      ] {
        let ending = try bench.run(arguments.split(separator: " ").map(String.init))
        #expect(
          ending.exitCode == 2 && ending.errorOutput.contains(expected), "\(ending.errorOutput)")
      }
    }

    // MARK: - One key is enough

    @Test func anotherMethodAndAShorterRunTakeOneOptionEach() throws {
      let bench = try Workbench()
      let ending = try bench.run(
        [
          "train", "run.yaml", "--output", "run", "--steps", "3", "--set",
          "optimizer={name: adamw, betas: [0.5, 0.6]}",
        ]
          + Workbench.tiny)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(
        ending.output.contains(
          "steps is 3, by an option: schedule.warmup_steps is shortened from 5 to 0"))
      try bench.write(
        try bench.text("run.yaml").replacing(
          "name: adamw,", with: "name: adamw, betas: [0.5, 0.6],"),
        to: "betas.yaml")
      let sgd = try bench.run(
        ["train", "betas.yaml", "--output", "sgd", "--steps", "5", "--set", "optimizer.name=sgd"]
          + Workbench.tiny)
      #expect(sgd.exitCode == 0, "\(sgd.errorOutput)")
      #expect(
        sgd.output.contains(
          "optimizer.name is sgd, by an option: optimizer.betas of the file is left out, being of name: adamw"
        ))
      let other = try bench.run(
        ["train", "run.yaml", "--output", "run", "--resume", "--steps", "4"] + Workbench.tiny)
      #expect(other.exitCode == 2 && other.messages.count == 1)
      #expect(
        other.errorOutput.contains("to go on with what is there, add --set"), "\(other.errorOutput)"
      )
      #expect(other.errorOutput.contains("--set steps=3"))
    }
  }
}
