import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep translate`, and scores of translations.
  @Suite struct TranslationCommandTests {
    private static let configuration = """
      task: translation
      data:
        format: pairs
        train_source: pairs/train.source.bin
        train_target: pairs/train.target.bin
        validation_source: pairs/validation.source.bin
        validation_target: pairs/validation.target.bin
        tokenizer: pairs/tokenizer.json
      model: {architecture: transformer, encoder_layers: 1, decoder_layers: 1, heads: 2, width: 32, context: 24, dropout: 0}
      batch: {sequences: 8, microbatches: 2}
      optimizer: {name: adam, learning_rate: 1e-2}
      schedule: {warmup_steps: 20}
      steps: 250
      evaluate: {every: 100, batches: 2, bleu: true}
      """

    private static let words = [
      "red": "rouge", "house": "maison", "a": "une", "sees": "voit", "the": "la", "cat": "chatte",
      "old": "vieille", "big": "grande", "girl": "fille", "sings": "chante",
    ]

    /// A bench with a run that translates word by word.
    private func makeBench(trained: Bool = true) throws -> Workbench {
      let bench = try Workbench()
      var generator = SeededGenerator(seed: 6)
      let english = Self.words.keys.sorted()
      func pairs(_ count: Int) -> (source: String, target: String) {
        let lines = (0..<count).map { _ in
          (0..<Int.random(in: 2...7, using: &generator)).map { _ in
            english[Int.random(in: 0..<english.count, using: &generator)]
          }
        }
        return (
          lines.map { $0.joined(separator: " ") + ".\n" }.joined(),
          lines.map { $0.compactMap { Self.words[$0] }.joined(separator: " ") + ".\n" }.joined()
        )
      }
      for (name, count) in [("train", 400), ("held", 40)] {
        let (source, target) = pairs(count)
        try bench.write(source, to: name + ".en")
        try bench.write(target, to: name + ".fr")
      }
      try bench.write(Self.configuration, to: "translation.yaml")
      let prepared = try bench.run([
        "prepare", "--pairs", "train.en", "train.fr", "--validation", "held.en", "held.fr",
        "--output", "pairs", "--vocabulary-size", "330", "--quiet",
      ])
      try #require(prepared.exitCode == 0, "\(prepared.errorOutput)")
      if trained { try train(bench, "run") }
      return bench
    }

    private func train(
      _ bench: Workbench, _ output: String, _ options: [String] = [], ranks: Int? = nil
    ) throws {
      let ending = try bench.run(
        ["train", "translation.yaml", "--quiet", "--output", output] + options, ranks: ranks)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    }

    private func translate(_ bench: Workbench, _ options: String...) throws -> String {
      let ending = try bench.run(["translate", "run"] + options)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return ending.output
    }

    private struct Scores: Decodable, Equatable {
      let bleu: Double
      let chrf: Double
    }

    private func scores(_ bench: Workbench, _ arguments: [String], ranks: Int? = nil) throws
      -> Scores
    {
      let ending = try bench.run(arguments + ["--json"], ranks: ranks)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try JSONDecoder().decode(Scores.self, from: Data(ending.output.utf8))
    }

    @Test func whatWasLearnedIsTranslatedAndScored() throws {
      let bench = try makeBench()
      let source = try bench.text("held.en")
      let found = try translate(bench, "--input", "held.en", "--quiet")
      #expect(found.split(separator: "\n").count == 40)
      try bench.write(found, to: "found.fr")
      let scored = try scores(bench, ["score", "found.fr", "held.fr"])
      #expect(scored.bleu > 50, "\(found)")
      try bench.write(source, to: "copied.fr")
      #expect(try scores(bench, ["score", "copied.fr", "held.fr"]).bleu < 5)

      // The evaluation translates the same lines in the same way, whoever computes them.
      #expect(try scores(bench, ["evaluate", "run"]) == scored)
      #expect(try scores(bench, ["evaluate", "run", "--sequences", "3"], ranks: 3) == scored)

      // Neither the batch nor the lines beside it change a line's translation.
      for batch in ["1", "7"] {
        #expect(try translate(bench, "--input", "held.en", "--quiet", "--batch", batch) == found)
      }
      let reversed = source.split(separator: "\n").reversed().joined(separator: "\n")
      try bench.write(reversed, to: "reversed.en")
      let backwards = try translate(bench, "--input", "reversed.en", "--quiet")
      #expect(backwards.split(separator: "\n").reversed() == found.split(separator: "\n"))

      let greedy = try translate(bench, "--input", "held.en", "--beams", "1")
      #expect(try translate(bench, "--input", "held.en", "--temperature", "0") == greedy)
      let drawn = try translate(bench, "--input", "held.en", "--temperature", "3", "--seed", "4")
      #expect(drawn != greedy)
      #expect(
        try translate(bench, "--input", "held.en", "--temperature", "3", "--seed", "4") == drawn)
    }

    @Test func oddLinesAreTranslatedLineForLine() throws {
      let bench = try makeBench()
      let long = String(repeating: "the old cat sees a big red house. ", count: 6)
      let bytes = Array("\n  \t \nthe cat\r\n\(long)\nred ".utf8) + [0xFF] + Array(" house".utf8)
      try Data(bytes).write(to: bench.folder.appendingPathComponent("odd.en"))
      let ending = try bench.run(["translate", "run", "--input", "odd.en"])
      #expect(ending.exitCode == 0)
      let lines = ending.output.split(separator: "\n", omittingEmptySubsequences: false)
      try #require(lines.count == 6, "\(ending.output)")
      #expect(lines[0].isEmpty && lines[1].isEmpty && !lines[2].isEmpty && lines[5].isEmpty)
      #expect(!lines[2].contains("\r"))
      #expect(lines[3].split(separator: " ").count > 14)
      #expect(
        ending.messages.contains {
          $0.hasPrefix("lockstep: line 4 is longer than the model's context: translated in ")
        })
      #expect(ending.messages.contains { $0.hasPrefix("lockstep: line 5 is not UTF-8") })
      #expect(ending.messages.count == 2)

      struct Line: Decodable {
        let line: Int
        let source: String
        let translation: String
        let score: Double
      }
      let json = try bench.run(["translate", "run", "--input", "odd.en", "--json", "--quiet"])
      #expect(json.errorOutput.isEmpty)
      let objects = try json.output.split(separator: "\n").map {
        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      }
      #expect(objects.map(\.line) == [1, 2, 3, 4, 5])
      #expect(objects.map(\.translation) == lines.prefix(5).map(String.init))
      #expect(objects[4].source == "red \u{FFFD} house")
      #expect(objects[0].score == 0 && objects[2].score < 0)
    }

    @Test func aLineIsAnsweredBeforeTheNextIsWritten() throws {
      let bench = try makeBench()
      let pipe = bench.path("pipe")
      try #require(mkfifo(pipe, 0o600) == 0)
      let command = try bench.start(["translate", "run", "--input", "pipe", "--quiet"])
      let writer = try #require(FileHandle(forWritingAtPath: pipe))
      for line in ["the cat sings.", "", "a big house."] {
        try writer.write(contentsOf: Data((line + "\n").utf8))
        let answer = try #require(command.nextLine())
        #expect(answer.isEmpty == line.isEmpty)
      }
      try writer.close()
      let ending = try command.wait()
      #expect(ending.exitCode == 0 && ending.output.isEmpty)
    }

    @Test func scoresDuringTrainingAreThoseOfTheEvaluation() throws {
      let bench = try makeBench(trained: false)
      struct Evaluation: Decodable, Equatable {
        let step: Int
        let bleu: Double?
        let chrf: Double?
      }
      func evaluations(_ run: String) throws -> [Evaluation] {
        try bench.text(run + "/metrics.jsonl").split(separator: "\n")
          .map { try JSONDecoder().decode(Evaluation.self, from: Data($0.utf8)) }
          .filter { $0.bleu != nil }
      }
      try train(bench, "one", ["--steps", "120"])
      try train(bench, "two", ["--steps", "120"], ranks: 2)
      let expected = try evaluations("one")
      #expect(expected.map(\.step) == [100, 120])
      #expect(try evaluations("two") == expected)
      let scored = try scores(bench, ["evaluate", "one", "--beams", "1"])
      #expect(scored == Scores(bleu: expected[1].bleu ?? -1, chrf: expected[1].chrf ?? -1))
    }

    @Test func whatCanNotBeTranslatedIsRefused() throws {
      let bench = try makeBench(trained: false)
      try train(bench, "run", ["--steps", "1", "--set", "schedule.warmup_steps=0"])
      try bench.train("text", Workbench.tiny + ["--set", "schedule.name=constant", "--steps", "6"])
      try bench.write("la chatte.\n", to: "short.fr")
      let long = String(repeating: "xyz", count: 30)
      for (arguments, expected) in [
        ("translate text", "holds a model that continues texts, not a model that translates"),
        ("translate nowhere", "nowhere: no such run or checkpoint"),
        ("translate run --input nowhere", "nowhere: cannot open: No such file or directory"),
        (
          "translate run --input \(String(repeating: "a", count: 300))",
          "cannot open: File name too long"
        ),
        ("translate run --input pairs", "pairs: cannot read: Is a directory"),
        ("translate run --beams 0", "--beams is a whole number from 1 to 1024, not 0"),
        ("translate run --beams 2 --temperature 1", "give one or the other"),
        ("translate run --top-k 3 --length-penalty 1", "--length-penalty goes with --beams"),
        (
          "translate run --length-penalty=-1",
          "--length-penalty is a number of at least 0, not -1.0"
        ),
        (
          "translate run --length-penalty inf",
          "--length-penalty is a number of at least 0, not inf"
        ),
        ("translate run --max-tokens 25", "expected 1 to 24, the model's context"),
        ("translate run --batch 0", "--batch is a whole number from 1 to 4096, not 0"),
        ("generate run --prompt a", "lockstep translate"),
        ("generate text --prompt a --beams 0", "--beams is a whole number from 1 to 1024, not 0"),
        ("generate text --prompt a --beams 2 --top-p 0.5", "give one or the other"),
        ("generate text --prompt a --length-penalty 1", "--length-penalty goes with --beams"),
        ("explain run --text \(long)", "--text: has "),
        ("explain run --text chat --translation \(long)", "--translation: has "),
        ("evaluate text --beams 2", "are for translation models"),
        ("score short.fr held.fr", "short.fr has 1 lines, held.fr has 40"),
        ("score short.fr", "references"),
        ("score held.en held.fr --tokenize zh", "zh"),
        ("train run.yaml --set evaluate.bleu=true", "evaluate.bleu"),
      ] {
        let ending = try bench.run(arguments.split(separator: " ").map(String.init))
        #expect(ending.exitCode == 2, "\(arguments): \(ending.errorOutput)")
        #expect(ending.messages.count == 1, "\(arguments): \(ending.errorOutput)")
        #expect(ending.errorOutput.contains(expected), "\(arguments): \(ending.errorOutput)")
        #expect(ending.output.isEmpty)
      }
      let ranks = try bench.run(["translate", "run"], ranks: 2)
      #expect(ranks.exitCode == 2)
      #expect(ranks.messages.count == 1 && ranks.errorOutput.contains("without a launcher"))
    }
  }
}
