import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// Translation from the command line.
  @Suite struct TranslationRunTests {
    /// A bench with prepared pairs in `data/translations` and a configuration, `pairs.yaml`.
    private func makeBench() throws -> Workbench {
      let bench = try Workbench()
      let source = Workbench.sentences(count: 300)
      let target = String(source.map { $0 == "e" ? "é" : $0 })
      try bench.write(source, to: "train.en")
      try bench.write(target, to: "train.fr")
      try bench.write("eta oin\n", to: "one.en")
      try bench.write(Self.configuration, to: "pairs.yaml")
      let ending = try bench.run(
        [
          "prepare", "train.en", "train.fr", "--pairs", "--output", "data/translations",
          "--vocabulary-size", "400",
        ])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return bench
    }

    private static let configuration = """
      task: translation
      data:
        format: pairs
        train_source: data/translations/train.source.bin
        train_target: data/translations/train.target.bin
        validation_source: data/translations/validation.source.bin
        validation_target: data/translations/validation.target.bin
        tokenizer: data/translations/tokenizer.json
      model: {architecture: transformer, encoder_layers: 1, decoder_layers: 1, heads: 2, width: 16, context: 60}
      loss: {name: cross-entropy, label_smoothing: 0.1}
      batch: {sequences: 4, microbatches: 4}
      optimizer: {name: adam, learning_rate: 1e-2}
      schedule: {name: inverse-square-root, warmup_steps: 2}
      steps: 8
      """

    private func train(
      _ bench: Workbench, _ configuration: String, _ output: String, ranks: Int? = nil,
      _ options: [String] = []
    ) throws -> String {
      let ending = try bench.run(
        ["train", configuration, "--quiet", "--output", output] + options, ranks: ranks)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try bench.summary(output).parametersSHA256
    }

    @Test func aTranslationIsTrainedEvaluatedReplayedAndInspected() throws {
      let bench = try makeBench()
      _ = try train(bench, "pairs.yaml", "run")
      let shown = try bench.run(["train", "pairs.yaml", "--output", "other", "--steps", "4"])
      #expect(shown.output.contains("4 micro-batches of 4 pairs: about"), "\(shown.output)")
      for ranks in [nil, 2] {
        let ending = try bench.run(["evaluate", "run", "--json"], ranks: ranks)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        let report = try #require(
          JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
        #expect(report["perplexity"] as? Double ?? 0 > 1)
        let loss = try #require(report["loss"] as? Double)
        #expect(abs(loss - (try bench.summary("run").validationLoss ?? 0)) < 1e-5)
      }
      let replayed = try bench.run(["debug", "--replay", "run", "--step", "5"])
      #expect(replayed.exitCode == 0 && replayed.output.contains("equal"), "\(replayed.output)")
      // ReLU has kinks, where differences are no slopes.
      let checked = try bench.run(
        ["debug", "pairs.yaml", "--check-gradients", "--set", "model.activation=gelu"])
      #expect(checked.exitCode == 0, "\(checked.output)")
      let inspected = try bench.run(["inspect", "run"])
      #expect(inspected.output.contains("model.decoder.layers.0.encoder_attn.q_proj.weight"))
    }

    /// The ready-made configurations of pairs, shortened and narrowed, on pairs of the bench.
    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func readyMadeTranslationsHaveTheSameBitsOnOneRankAndOnTwo() throws {
      let bench = try makeBench()
      let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let folder = repository.appendingPathComponent("configs")
      try FileManager.default.createSymbolicLink(
        atPath: bench.path("configs"), withDestinationPath: folder.path)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
        guard $0.hasSuffix(".yaml") else { return false }
        return try bench.text("configs/\($0)").contains("task: translation")
      }
      #expect(files.count >= 2)
      for file in files {
        let options = [
          "steps=6", "schedule.warmup_steps=2", "batch.sequences=4", "model.encoder_layers=1",
          "model.decoder_layers=1", "evaluate.every=0",
        ].flatMap { ["--set", $0] }
        let path = "configs/\(file)"
        let alone = try train(bench, path, "one-\(file)", options)
        #expect(try train(bench, path, "two-\(file)", ranks: 2, options) == alone, "\(file)")
      }
    }

    @Test func wrongInputIsToldOnceAndChangesNothing() throws {
      let bench = try makeBench()
      _ = try train(bench, "pairs.yaml", "run")
      try bench.train("text", Workbench.tiny + ["--steps", "5"])
      for (arguments, expected) in [
        (
          "prepare train.en one.en --pairs --output new",
          ["train.en has 300 lines, one.en has 1"]
        ),
        ("prepare train.en --pairs --output new", ["1 file", "give two"]),
        (
          "prepare train.en train.fr --pairs --validation one.en --output new",
          ["--validation: 1 file"]
        ),
        ("prepare train.en train.fr --pairs --output data", ["already holds a data set"]),
        ("prepare train.en none.fr --pairs --output new", ["none.fr: cannot read"]),
        (
          "train pairs.yaml --output new --set data.train_target=data/translations/validation.target.bin",
          ["holds 285 texts", "validation.target.bin holds 15"]
        ),
        (
          "train pairs.yaml --output new --set data.tokenizer=data/tokenizer.json",
          ["do not belong together"]
        ),
        ("train pairs.yaml --output new --set model.context=5", ["model.context"]),
        ("train pairs.yaml --output new --set model.vocabulary=50", ["model.vocabulary: 50"]),
        ("train pairs.yaml --output new --set task=classification", ["data.format"]),
        ("train pairs.yaml --output new --set model={architecture: gpt}", ["transformer"]),
        (
          "train pairs.yaml --output new --set model={architecture: mlp}",
          ["model.architecture: found \"mlp\"", "because task is translation"]
        ),
        (
          "generate run --prompt a",
          ["holds a model that translates", "lockstep translate takes it"]
        ),
        ("evaluate run --stride 4", ["--stride is for language models: leave it out"]),
        (
          "evaluate run --data data/translations/train.source.bin",
          ["token file of the translations"]
        ),
      ] as [(String, [String])] {
        let before = try bench.contents(of: ".")
        let parts = arguments.replacingOccurrences(of: ": ", with: ":\u{1}").split(separator: " ")
          .map { $0.replacingOccurrences(of: "\u{1}", with: " ") }
        let ending = try bench.run(parts)
        let told = "\(arguments): \(ending.errorOutput)"
        #expect(ending.exitCode == 2, "\(told)")
        #expect(ending.messages.count == 1, "\(told)")
        for text in expected { #expect(ending.errorOutput.contains(text), "\(told)") }
        #expect(try bench.contents(of: ".") == before, "\(arguments) changed files")
      }
    }
  }
}
