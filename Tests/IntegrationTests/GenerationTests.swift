import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

extension Workbench {
  /// Trains `run` on texts that end by the token between documents, by that of a turn, and by one that only
  /// `generation_config.json` tells of.
  fileprivate func learnThreeEnds() throws {
    var file = try #require(
      JSONSerialization.jsonObject(with: Data(text("data/tokenizer.json").utf8)) as? [String: Any])
    let added = try #require(file["added_tokens"] as? [[String: Any]])
    let first = try #require(added.first)
    file["added_tokens"] =
      added
      + [(257, "<|im_end|>"), (258, "<|stop|>")].map { id, name in
        first.merging(["id": id, "content": name]) { $1 }
      }
    try FileManager.default.createDirectory(
      atPath: path("ends"), withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: file)
      .write(to: folder.appendingPathComponent("ends/tokenizer.json"))
    try write("{\"eos_token_id\": [256, 258]}", to: "ends/generation_config.json")
    try write(
      String(repeating: "ab<|endoftext|>cd<|im_end|>ef<|stop|>", count: 600), to: "text.txt")
    let ending = try run(
      ["prepare", "text.txt", "--output", "ended", "--tokenizer", "ends/tokenizer.json"])
    try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    try train(
      "run",
      Self.tiny + [
        "--steps", "60", "--set", "data.train=ended/train.bin",
        "--set", "data.validation=ended/validation.bin", "--set",
        "data.tokenizer=ends/tokenizer.json",
        "--set", "samples={every: 60, prompts: [a, c, e], max_tokens: 9, temperature: 0}",
      ])
  }
}

extension CommandLineTests {
  @Suite struct GenerationTests {
    private struct Generated: Decodable, Equatable {
      let prompt: String
      let text: String
      let tokens: [Int32]
    }

    private func generate(
      _ bench: Workbench, prompt: String = "the", _ options: String...
    ) throws -> Generated {
      let ending = try bench.run(["generate", "run", "--json", "--prompt", prompt] + options)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.errorOutput.isEmpty)
      return try JSONDecoder().decode(Generated.self, from: Data(ending.output.utf8))
    }

    @Test func theSameSeedGivesTheSameText() throws {
      let bench = try Workbench()
      try bench.train("run")
      let first = try generate(bench, "--seed", "5", "--max-tokens", "40")
      #expect(try generate(bench, "--seed", "5", "--max-tokens", "40") == first)
      #expect(try generate(bench, "--seed", "6", "--max-tokens", "40") != first)
      #expect(first.prompt == "the")
      #expect(first.tokens.count == 40)

      let plain = try bench.run(
        ["generate", "run", "--prompt", "the", "--seed", "5", "--max-tokens", "40"])
      #expect(plain.output == first.prompt + first.text + "\n")
    }

    @Test func aPromptLongerThanTheContextIsReadFromItsLastHalf() throws {
      let bench = try Workbench()
      try bench.train("run")
      for (count, beams, isCut) in [
        (1, [], false), (200, [], true), (200, ["--beams", "2"], true),
      ] {
        let prompt = String(repeating: "q", count: count)
        let ending = try bench.run(
          ["generate", "run", "--prompt", prompt, "--max-tokens", "1"] + beams)
        #expect(ending.exitCode == 0)
        #expect(
          ending.errorOutput.contains(
            "--prompt has 200 tokens and the model's context is") == isCut)
      }
    }

    @Test func temperatureZeroTakesTheLikeliestToken() throws {
      let bench = try Workbench()
      try bench.train("run")
      let prompt = "the sun and "
      let greedy = try generate(bench, prompt: prompt, "--temperature", "0", "--max-tokens", "30")
      #expect(
        try generate(bench, prompt: prompt, "--top-k", "1", "--max-tokens", "30").tokens
          == greedy.tokens)

      // Without the cache: the whole text at once.
      let workspace = Workspace()
      let loaded = try TrainedModel.open(bench.path("run"), in: workspace)
      let model = try loaded.languageModel()
      let start = try #require(loaded.tokenizer).encode(prompt)
      let tokens = start + greedy.tokens
      workspace.withoutRecording {
        let input = Indices(tokens, shape: [1, tokens.count])
        let logits = model.logits(of: input)  // [1, T, V]
        let rows = logits.elements
        let count = logits.shape.last
        for position in start.count..<tokens.count {
          let row = rows[(position - 1) * count..<position * count]
          let chosen = row[row.startIndex + Int(tokens[position])]
          #expect(chosen >= (row.max() ?? 0) - 1e-4, "position \(position)")
        }
      }
    }

    @Test func oneBeamTakesTheLikeliestTokenAndMoreFindNoUnlikelierText() throws {
      let bench = try Workbench()
      try bench.train("run", ["--steps", "50"])
      let workspace = Workspace()
      let loaded = try TrainedModel.open(bench.path("run"), in: workspace)
      let model = try loaded.languageModel()
      /// -log p of a continuation, nats.
      func loss(_ text: Generated) throws -> Float {
        let start = try #require(loaded.tokenizer).encode(text.prompt)
        let ignored = [Int32](repeating: -1, count: start.count - 1)
        let shape: Shape = [1, start.count + text.tokens.count - 1]
        return workspace.withoutRecording {
          model.loss(
            of: Indices(start + text.tokens.dropLast(), shape: shape),
            targets: Indices(ignored + text.tokens, shape: shape)
          ).item
        }
      }
      for prompt in ["the", "a ", "o", "n"] {
        let greedy = try generate(bench, prompt: prompt, "--temperature", "0", "--max-tokens", "30")
        #expect(try generate(bench, prompt: prompt, "--beams", "1", "--max-tokens", "30") == greedy)
        let found = try generate(bench, prompt: prompt, "--beams", "6", "--max-tokens", "30")
        #expect(found.tokens.count == 30)
        #expect(try loss(found) < loss(greedy) + 0.01)
      }
    }

    /// A tokenizer with tokens for the end of a text and of a turn, and a model that has learned both.
    @Test func anyTokenThatEndsATextEndsASearchToo() throws {
      let bench = try Workbench()
      try bench.learnThreeEnds()
      for (prompt, text) in [("a", "b"), ("c", "d"), ("e", "f")] {
        let greedy = try generate(bench, prompt: prompt, "--temperature", "0", "--max-tokens", "9")
        #expect(greedy.text == text)
        #expect(try generate(bench, prompt: prompt, "--beams", "1", "--max-tokens", "9") == greedy)
        let found = try generate(bench, prompt: prompt, "--beams", "3", "--max-tokens", "9")
        #expect(found.text == text)
      }
      // So do the samples that are shown while it trains.
      let lines = try bench.text("run/metrics.jsonl").split(separator: "\n")
      let samples = try #require(lines.last { $0.contains("\"samples\"") })
      for text in ["b", "d", "f"] {
        #expect(samples.contains("\"text\":\"\(text)\""), "\(samples)")
      }
    }

    @Test func aTextMayOutgrowTheContext() throws {
      let bench = try Workbench()
      try bench.train("run")
      let long = try generate(bench, "--max-tokens", "130")
      #expect(long.tokens.count == 130)
      let prompt = String(repeating: "the sun and the sea ", count: 5)
      let ending = try bench.run(
        ["generate", "run", "--json", "--prompt", prompt, "--max-tokens", "3"])
      let generated = try JSONDecoder().decode(Generated.self, from: Data(ending.output.utf8))
      #expect(generated.tokens.count == 3)
      // The first tokens do not depend on how many follow.
      #expect(try generate(bench, "--max-tokens", "30").tokens == Array(long.tokens.prefix(30)))
    }

    @Test func paddingOfTheVocabularyIsNeverChosen() throws {
      let bench = try Workbench()
      try bench.train(
        "run",
        ["--set", "model.vocabulary=600", "--steps", "6", "--set", "schedule.name=constant"])
      let text = try generate(bench, "--temperature", "50", "--max-tokens", "60")
      #expect(text.tokens.allSatisfy { $0 < 257 })
      #expect(Set(text.tokens).count > 30, "hot enough to choose anything")
    }

    @Test func evaluationFindsTheLossThatTrainingEndedWith() throws {
      struct Report: Decodable {
        let loss: Double
        let tokens: Int
      }
      let bench = try Workbench()
      let summary = try bench.train("run", ranks: 2)
      for ranks in [nil, 3] {
        let ending = try bench.run(["evaluate", "run", "--json", "--sequences", "2"], ranks: ranks)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        let report = try JSONDecoder().decode(Report.self, from: Data(ending.output.utf8))
        #expect(report.loss == summary.validationLoss)
      }
      let checkpoint = try bench.run(
        ["evaluate", "run/checkpoints/step-00000050", "--data", "data/train.bin"])
      #expect(checkpoint.exitCode == 0, "\(checkpoint.errorOutput)")
    }
  }
}
