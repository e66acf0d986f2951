import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// Llama, BERT and what is done to tokens, from the command line.
  @Suite struct TextModelRunTests {
    private static let llama = [
      "model={architecture: llama, layers: 2, heads: 4, key_value_heads: 2, width: 48, context: 48, "
        + "dropout: 0.1}"
    ]
    private static let bert = [
      "task=masked-language-modeling",
      "model={architecture: bert, layers: 2, heads: 4, width: 48, context: 48, dropout: 0.1}",
    ]

    private func set(_ overrides: [String]) -> [String] { overrides.flatMap { ["--set", $0] } }

    private func json(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// Label smoothing, token dropout, masked spans and span corruption included.
    @Test(
      .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"),
      arguments: [
        Self.llama,
        Self.llama + ["loss={name: cross-entropy, label_smoothing: 0.1}", "model.recompute=true"],
        Self.llama + [
          "data.augmentation={token_dropout: 0.1, span_corruption: 0.5, corrupted_span: 2}"
        ],
        Self.bert,
        Self.bert + [
          "masking={share: 0.2, span: 3}", "data.augmentation.token_dropout=0.1",
          "loss={name: cross-entropy, label_smoothing: 0.1}",
        ],
      ])
    func parametersAreTheSameOnAnyNumberOfRanksAndThreads(overrides: [String]) throws {
      let bench = try Workbench()
      let options = set(overrides) + ["--steps", "12"]
      let alone = try bench.train("alone", options + ["--set", "threads=1"])
      #expect(
        alone.parametersSHA256 != (try bench.train("plain", ["--steps", "12"]).parametersSHA256))
      let threads = try bench.train("threads", options + ["--set", "threads=3"])
      #expect(threads.parametersSHA256 == alone.parametersSHA256)
      for ranks in [2, 3] {
        let summary = try bench.train("ranks-\(ranks)", options, ranks: ranks)
        #expect(summary.parametersSHA256 == alone.parametersSHA256, "\(ranks) ranks")
        #expect(summary.validationLoss == alone.validationLoss)
      }
    }

    /// Every ready-made configuration of text, shortened, on a small text.
    @Test(
      .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"),
      arguments: ["llama.yaml", "bert.yaml"])
    func readyMadeConfigurationsHaveTheSameBitsOnOneRankAndOnTwo(file: String) throws {
      let bench = try Workbench()
      let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let path = repository.appendingPathComponent("configs/\(file)").path
      func train(_ output: String, ranks: Int) throws -> String {
        let data = ["train", "validation"].map { "data.\($0)=data/\($0).bin" }
        let options = set(
          data + ["data.tokenizer=data/tokenizer.json", "schedule={name: constant}"])
        let ending = try bench.run(
          ["train", path, "--quiet", "--output", output, "--steps", "3"] + options, ranks: ranks)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        return try bench.summary(output).parametersSHA256
      }
      #expect(try train("one", ranks: 1) == train("two", ranks: 2))
    }

    @Test(arguments: [Self.llama, Self.bert]) func gradientsPassTheirCheck(
      overrides: [String]
    ) throws {
      let bench = try Workbench()
      let ending = try bench.run(["debug", "run.yaml", "--check-gradients"] + set(overrides))
      #expect(ending.exitCode == 0, "\(ending.output) \(ending.errorOutput)")
    }

    @Test func aLlamaIsTrainedEvaluatedInspectedAndGeneratedFrom() throws {
      let bench = try Workbench()
      let summary = try bench.train("run", set(Self.llama))
      #expect(summary.peakShare != nil || summary.seconds < 10)
      let evaluated = try bench.run(["evaluate", "run", "--json", "--sequences", "2"])
      #expect(try json(evaluated.output)["loss"] as? Double == summary.validationLoss)
      let inspected = try bench.run(["inspect", "run"])
      #expect(inspected.output.contains("model.layers.1.self_attn.k_proj.weight"))
      let text = try bench.run(
        ["generate", "run", "--prompt", "the", "--max-tokens", "130", "--temperature", "0"])
      #expect(text.exitCode == 0 && text.output.count > 100, "\(text.errorOutput)")
      let replayed = try bench.run(["debug", "--replay", "run", "--step", "7"])
      #expect(replayed.exitCode == 0 && replayed.output.contains("equal"), "\(replayed.output)")
    }

    @Test func aBERTIsTrainedEvaluatedAndFillsMasks() throws {
      let bench = try Workbench()
      let summary = try bench.train("run", set(Self.bert) + ["--steps", "60"])
      let written = try json(bench.text("run/summary.json"))
      let accuracy = try #require(written["accuracy"] as? Double)
      // An untrained model guesses among 258 tokens, 5.6 nats; the text has some fifteen, 2.7 nats.
      let untrained = try bench.train(
        "untrained",
        set(Self.bert + ["schedule.warmup_steps=0", "optimizer.learning_rate=0", "steps=1"]))
      let (loss, untrainedLoss) = (summary.validationLoss, untrained.validationLoss)
      #expect(try #require(loss) < #require(untrainedLoss) - 1.5)
      #expect(summary.tokens == 60 * 8 * 2 * 7)
      for ranks in [nil, 2] {
        let ending = try bench.run(["evaluate", "run", "--json", "--sequences", "3"], ranks: ranks)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        let report = try json(ending.output)
        #expect(report["accuracy"] as? Double == accuracy)
        let loss = try #require(report["loss"] as? Double)
        #expect(abs(loss - (summary.validationLoss ?? 0)) < 1e-6 * loss)
      }
      // The tokenizer beside the model has a mask, and reads the same token files.
      let tokenizer = try bench.text("run/checkpoints/step-00000060/tokenizer.json")
      #expect(tokenizer.contains("[MASK]"))
      let checkpoint = try bench.run(
        ["evaluate", "run/checkpoints/step-00000060", "--data", "data/train.bin"])
      #expect(checkpoint.exitCode == 0, "\(checkpoint.errorOutput)")

      let filled = try bench.run(
        [
          "generate", "run", "--json", "--temperature", "0", "--prompt",
          "the s[MASK]n and th[MASK]",
        ])
      #expect(filled.exitCode == 0, "\(filled.errorOutput)")
      let text = try #require(json(filled.output)["text"] as? String)
      #expect(text.hasPrefix("the s") && !text.contains("[MASK]"))
      #expect(try #require(json(filled.output)["tokens"] as? [Int]).count == 15)
      for (prompt, expected) in [
        ("the sun", "needs a [MASK]"), ("[MASK]" + String(repeating: "a", count: 48), "context"),
      ] {
        let ending = try bench.run(["generate", "run", "--prompt", prompt])
        #expect(ending.exitCode == 2 && ending.errorOutput.contains(expected))
      }
      let replayed = try bench.run(["debug", "--replay", "run", "--step", "7"])
      #expect(replayed.exitCode == 0 && replayed.output.contains("equal"), "\(replayed.output)")
    }

    /// The fixtures of the models' tests are directories that `transformers` saved.
    @Test(arguments: ["llama", "bert"])
    func directoriesThatTransformersSavedAreEvaluated(name: String) throws {
      let bench = try Workbench()
      // Few enough characters for the fixtures' 97 tokens.
      let prepared = try bench.run(
        ["prepare", "text.txt", "--output", "characters", "--tokenizer", "characters"])
      try #require(prepared.exitCode == 0, "\(prepared.errorOutput)")
      let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
      let model = tests.appendingPathComponent("ModelsTests/Fixtures/\(name)").path
      let ending = try bench.run(
        ["evaluate", model, "--json", "--data", "characters/validation.bin"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(try #require(json(ending.output)["loss"] as? Double) > 1)
      let generated = try bench.run(["generate", model, "--prompt", "a"])
      #expect(generated.exitCode == 2)
      #expect(generated.errorOutput.contains("tokenizer.json is missing"))
    }

    @Test func aRunWithoutATokenizerKeepsTheLastRowForTheMask() throws {
      let bench = try Workbench()
      let options = set(Self.bert + ["data.tokenizer=null", "model.vocabulary=258"])
      try bench.train("run", options + ["--steps", "5"])
      let evaluated = try bench.run(["evaluate", "run", "--json"])
      #expect(evaluated.exitCode == 0, "\(evaluated.errorOutput)")
    }

    @Test func sentinelsAreKeptWithTheModel() throws {
      let bench = try Workbench()
      let options = set(["data.augmentation.span_corruption=0.5"]) + Workbench.tiny
      try bench.train("run", options + ["--steps", "6"])
      let checkpoint = "run/checkpoints/step-00000006"
      #expect(try bench.text(checkpoint + "/tokenizer.json").contains("<extra_id_0>"))
      let evaluated = try bench.run(["evaluate", checkpoint, "--data", "data/validation.bin"])
      #expect(evaluated.exitCode == 0, "\(evaluated.errorOutput)")
    }

    @Test func wrongInputIsToldOnceAndChangesNothing() throws {
      let bench = try Workbench()
      try bench.train("run", set(Self.bert) + ["--steps", "2", "--set", "schedule.warmup_steps=0"])
      for (overrides, expected) in [
        (["task=masked-language-modeling"], #"model.architecture: found "gpt""#),
        (["model.architecture=bert"], #"model.architecture: found "bert""#),
        (["model={architecture: llama, heads: 5, width: 48}"], "a divisor of half of width (48)"),
        (["model={architecture: llama, heads: 16, width: 48}"], "a divisor of half of width (48)"),
        (
          ["model={architecture: llama, heads: 4, key_value_heads: 3, width: 48}"],
          "key_value_heads"
        ),
        (Self.bert + ["model.heads=5"], "a divisor of width (48)"),
        (Self.bert + ["masking={random: 0.6, kept: 0.6}"], "masking.random"),
        (Self.bert + ["data.augmentation.span_corruption=0.5"], "span_corruption: found 0.5"),
        (
          ["data.augmentation.span_corruption=0.5", "data.tokenizer=null", "model.vocabulary=257"],
          "span_corruption: found 0.5"
        ),
        (Self.bert + ["model.vocabulary=257"], "the 257 tokens of data/tokenizer.json and the 1"),
        (
          Self.bert + ["data.tokenizer=null", "model.vocabulary=32"],
          "outside of the vocabulary of 31"
        ),
        (Self.bert + ["data.tokenizer=null"], "model.vocabulary"),
        (["loss={name: mean-squared-error}"], "loss.name"),
        (["loss={name: cross-entropy, label_smoothing: 1}"], "label_smoothing"),
        (Self.bert + ["model.context=9000"], "too few for a context"),
      ] as [([String], String)] {
        for ranks in [nil, 2] {
          let before = try bench.contents(of: ".")
          let ending = try bench.run(
            ["train", "run.yaml", "--output", "new"] + set(overrides), ranks: ranks)
          let told = "\(overrides): \(ending.errorOutput)"
          #expect(ending.exitCode == 2, "\(told)")
          #expect(ending.messages.count == 1, "\(told)")
          #expect(ending.errorOutput.contains(expected), "\(told)")
          #expect(try bench.contents(of: ".") == before, "\(overrides) changed files")
        }
      }
      for arguments in [
        ["evaluate", "run", "--stride", "4"], ["evaluate", "run", "--labels", "x"],
      ] {
        let ending = try bench.run(arguments)
        #expect(ending.exitCode == 2 && ending.messages.count == 1, "\(ending.errorOutput)")
      }
    }
  }
}
