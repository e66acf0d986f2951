import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Classification and regression from the command line.
  @Suite struct PredictionRunTests {
    private func json(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func train(
      _ bench: Workbench, _ configuration: String, _ output: String, ranks: Int? = nil,
      _ options: [String] = []
    ) throws -> String {
      let ending = try bench.run(
        ["train", configuration, "--quiet", "--output", output] + options, ranks: ranks)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try bench.summary(output).parametersSHA256
    }

    @Test func aClassificationIsTrainedEvaluatedInspectedAndNotGeneratedFrom() throws {
      let bench = try Workbench.ofSamples()
      _ = try train(bench, "kinds.yaml", "run")
      let summary = try json(bench.text("run/summary.json"))
      let accuracy = try #require(summary["accuracy"] as? Double)
      #expect(accuracy > 0.85)
      #expect(summary["top_2_accuracy"] as? Double ?? 0 >= accuracy)
      #expect(summary["bits_per_byte"] == nil)

      // The same again, from the checkpoint, on one rank and on two.
      for ranks in [nil, 2] {
        let ending = try bench.run(
          ["evaluate", "run", "--json", "--sequences", "10"], ranks: ranks)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        let report = try json(ending.output)
        #expect(report["accuracy"] as? Double == accuracy)
        #expect(report["loss"] as? Double == summary["validation_loss"] as? Double)
        #expect(report["samples"] as? Int == 60)
      }
      let trained = try bench.run(["evaluate", "run", "--data", "train.csv"])
      #expect(trained.output.contains("accuracy") && trained.output.contains("(300 samples"))
      let inspected = try bench.run(["inspect", "run"])
      #expect(inspected.exitCode == 0 && inspected.output.contains("layers.0.weight"))

      let generated = try bench.run(["generate", "run", "--prompt", "a"])
      #expect(generated.exitCode == 2)
      #expect(generated.messages.count == 1)
      #expect(generated.errorOutput.contains("a model for samples"))
    }

    @Test func aRegressionRecordsHowMuchItExplains() throws {
      let bench = try Workbench.ofSamples()
      _ = try train(bench, "values.yaml", "run", ranks: 2)
      #expect(try json(bench.text("run/summary.json"))["r2"] as? Double ?? 0 > 0.999)
      let replayed = try bench.run(["debug", "--replay", "run", "--step", "7"])
      #expect(replayed.exitCode == 0 && replayed.output.contains("equal"), "\(replayed.output)")
      let checked = try bench.run(["debug", "values.yaml", "--check-gradients"])
      #expect(checked.exitCode == 0, "\(checked.output)")
    }

    /// Every ready-made configuration of samples, shortened, with small images in place of its own.
    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func readyMadeConfigurationsHaveTheSameBitsOnOneRankAndOnTwo() throws {
      let bench = try Workbench.ofSamples()
      let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let folder = repository.appendingPathComponent("configs")
      try FileManager.default.createSymbolicLink(
        at: bench.url("configs"), withDestinationURL: folder)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
        guard $0.hasSuffix(".yaml"), !$0.hasPrefix("sweep-") else { return false }
        let text = try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
        return ["classification", "regression"].contains { text.contains("task: \($0)") }
      }
      #expect(files.count >= 5)
      for file in files.sorted() {
        let path = "configs/\(file)"
        let text = try bench.text(path)
        var options = ["--steps", "20", "--set", "schedule={name: constant}"]
        if text.contains("format: idx") {
          options += [
            "data.train=train-images", "data.train_labels=train-labels",
            "data.validation=test-images", "data.validation_labels=test-labels",
          ].flatMap { ["--set", $0] }
        }
        let alone = try train(bench, path, "one-\(file)", options)
        #expect(try train(bench, path, "two-\(file)", ranks: 2, options) == alone, "\(file)")
      }
    }

    @Test func wrongInputIsToldOnceAndChangesNothing() throws {
      let bench = try Workbench.ofSamples()
      _ = try train(
        bench, "kinds.yaml", "run",
        [
          "--steps", "2", "--set", "schedule.name=constant",
          "--set", "schedule.warmup_steps=0",
        ])
      try bench.write("x,y,kind,value\n1,2,upper,3\n1,two,lower,4\n", to: "words.csv")
      try bench.write("x,y,kind,value\n1,2,middle,3\n", to: "other.csv")
      let images = try Data(contentsOf: bench.url("train-images"))
      try images.prefix(10_000).write(to: bench.url("short-images"))
      try bench.write(
        """
        task: classification
        data: {format: idx, train: train-images, train_labels: train-labels, classes: 3}
        model: {architecture: linear}
        """, to: "pictures.yaml")
      for (arguments, expected) in [
        (
          "train kinds.yaml --output new --set data.train=words.csv",
          ["words.csv: line 3: column y: found \"two\""]
        ),
        ("train kinds.yaml --output new --set data.train=none.csv", ["none.csv", "No such file"]),
        (
          "train kinds.yaml --output new --set data.validation=other.csv",
          ["other.csv: line 2", "\"middle\"", "lower, right, upper"]
        ),
        ("train values.yaml --output new --set data.target=weight", ["no column weight"]),
        (
          "train values.yaml --output new --set data.target=kind --set data.columns=[x]",
          ["column kind: found"]
        ),
        ("train values.yaml --output new --set model.architecture=sine", ["sine predicts one"]),
        (
          "train pictures.yaml --output new --set data.train=short-images",
          ["short-images: truncated at byte 10000"]
        ),
        ("train pictures.yaml --output new --set data.classes=2", ["train-labels: label"]),
        (
          "train pictures.yaml --output new --set data.train_labels=test-labels",
          ["200 images", "50 labels"]
        ),
        (
          "train pictures.yaml --output new --set data.train=train.csv",
          ["train.csv: not an IDX file of images"]
        ),
        (
          "train pictures.yaml --output new --set model.architecture=vit --set model.patch=5",
          ["model.patch"]
        ),
        ("train pictures.yaml --output new --set task=regression", ["data.format"]),
        ("evaluate run --stride 4", ["--stride is for language models: leave it out"]),
        ("evaluate run --data train-images --labels train-labels", ["--labels goes with"]),
        ("evaluate run --data words.csv", ["words.csv: line 3"]),
        ("generate run --prompt a", ["lockstep predict takes it"]),
      ] as [(String, [String])] {
        for ranks in arguments.hasPrefix("train") ? [nil, 2] : [nil] {
          let before = try bench.contents(of: ".")
          let ending = try bench.run(
            arguments.split(separator: " ").map(String.init), ranks: ranks)
          let told = "\(arguments): \(ending.errorOutput)"
          #expect(ending.exitCode == 2, "\(told)")
          #expect(ending.messages.count == 1, "\(told)")
          for text in expected { #expect(ending.errorOutput.contains(text), "\(told)") }
          #expect(try bench.contents(of: ".") == before, "\(arguments) changed files")
        }
      }
    }
  }
}
