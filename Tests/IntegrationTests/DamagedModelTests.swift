import Foundation
import LockstepReporting
import TestSupport
import Testing

extension CommandLineTests {
  /// Models whose parameters are not finite, and runs that make such: refused in words, nothing lost.
  @Suite struct DamagedModelTests {
    @Test(arguments: [Float.nan, .infinity, 3e38])
    func everyCommandThatAsksAModelNamesThePlace(value: Float) throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      try bench.damage("run/checkpoints/step-00000050", into: "damaged", value)
      let (text, data) = (["--prompt", "the", "--max-tokens", "3"], "data/validation.bin")
      for (command, place) in [
        (["generate", "damaged"] + text, "at position 3 of the text"),
        (["generate", "damaged", "--beams", "3"] + text, "at position 3 of the text"),
        (["generate", "damaged", "--temperature", "0", "--json"] + text, "at position 3"),
        (["explain", "damaged", "--text", "the"], "not finite at position"),
        (["explain", "damaged", "--text", "the", "--json"], "not finite at position"),
        (
          ["evaluate", "damaged", "--data", data], "its loss on data/validation.bin is not a number"
        ),
        (["evaluate", "damaged", "--data", data, "--json"], "first in batch 0"),
      ] {
        let ending = try bench.run(command)
        #expect(ending.exitCode == 1, "\(command): \(ending.exitCode)")
        #expect(ending.messages.count == 1, "\(command): \(ending.errorOutput)")
        #expect(ending.errorOutput.contains(place), "\(command): \(ending.errorOutput)")
        #expect(ending.errorOutput.contains("use an earlier checkpoint"))
      }
      #expect(!bench.exists("explanation.html"))
    }

    @Test func translationsOfADamagedModelNameTheirLine() throws {
      let bench = try TranslationBench()
      let run = try bench.run(["train", "translation.yaml", "--quiet", "--output", "run"])
      try #require(run.exitCode == 0, "\(run.errorOutput)")
      try bench.bench.damage("run/checkpoints/step-00000002", into: "damaged", .nan)
      try bench.bench.write("\nmath\n", to: "lines.txt")
      for options in [[], ["--temperature", "1"], ["--beams", "1", "--json"]] {
        let ending = try bench.run(
          ["translate", "damaged", "--input", "lines.txt", "--quiet"] + options)
        #expect(ending.exitCode == 1)
        #expect(
          ending.errorOutput.contains("not finite at position 0 of line 2"), "\(ending.errorOutput)"
        )
      }
      let evaluated = try bench.run(
        ["evaluate", "damaged", "--data", "pairs/train.source.bin", "--labels"]
          + ["pairs/train.target.bin"])
      #expect(evaluated.exitCode == 1)
      #expect(evaluated.errorOutput.contains("of text 0 of batch 0"), "\(evaluated.errorOutput)")
    }

    /// A letter that no other line has is what the model can not read.
    @Test func whatComesBeforeALineThatIsNotFiniteIsTranslated() throws {
      let bench = try TranslationBench()
      let run = try bench.run(
        ["train", "translation.yaml", "--quiet", "--output", "run", "--set", "model.tied=false"])
      try #require(run.exitCode == 0, "\(run.errorOutput)")
      try bench.bench.damage(
        "run/checkpoints/step-00000002", into: "damaged", .nan, tensor: "model.shared.weight",
        element: 16 * Int(UInt8(ascii: "z")))
      // The shortest line is translated first.
      let input = "math\nriver stone\nmath line z\nz\nline\n"
      for options in [[], ["--batch", "1"], ["--temperature", "1"]] {
        let translate = ["translate", "damaged", "--quiet", "--json"] + options
        let ending = try bench.bench.run(translate, input: input)
        #expect(ending.exitCode == 1 && ending.messages.count == 1)
        #expect(ending.errorOutput.contains("of line 3: "), "\(ending.errorOutput)")
        let before = try bench.bench.run(translate, input: "math\nriver stone\n")
        #expect(before.exitCode == 0 && ending.output == before.output, "\(ending.output)")
      }
    }

    @Test(arguments: [
      ("csv", "text,label\ncat,a\nsun,b\nhat,a\ncat,a\nsin,a\n", "line 6"),
      (
        "jsonl",
        "{\"text\": \"cat\"}\n\n{\"text\": \"sun\"}\n{\"text\": \"sin\"}\n{\"text\": \"i\"}\n",
        "line 4"
      ),
      ("lines", "cat\nsun\n\nsin\ncat\n", "line 4"),
    ])
    func whatComesBeforeATextThatIsNotFiniteIsAnswered(
      format: String, input: String, place: String
    ) throws {
      let bench = try Workbench.ofTexts()
      let run = try bench.run(["train", "texts.yaml", "--quiet", "--output", "run"])
      try #require(run.exitCode == 0, "\(run.errorOutput)")
      let letters = try bench.text("letters/tokenizer.json")
      let id = try #require(
        letters.firstMatch(of: /"i": (\d+)/).flatMap { Int($0.output.1) }, "\(letters)")
      try bench.damage(
        "run/checkpoints/step-00000001", into: "damaged", .nan,
        tensor: "bert.embeddings.word_embeddings.weight", element: 16 * id)
      let until = try #require(input.firstRange(of: format == "jsonl" ? "{\"text\": \"sin" : "sin"))
      let command = ["predict", "damaged", "--format", format, "--csv"]
      let ending = try bench.run(command, input: input)
      #expect(ending.exitCode == 1 && ending.messages.count == 1)
      #expect(ending.errorOutput.contains("for \(place): "), "\(ending.errorOutput)")
      let before = try bench.run(command, input: String(input[..<until.lowerBound]))
      #expect(before.exitCode == 0 && !before.output.isEmpty, "\(before.errorOutput)")
      #expect(ending.output == before.output)
    }

    @Test func whatComesBeforeARowThatIsNotFiniteIsAnswered() throws {
      let bench = try Workbench.ofSamples()
      let run = try bench.run(["train", "values.yaml", "--quiet", "--output", "run"])
      try #require(run.exitCode == 0, "\(run.errorOutput)")
      let rows = (1...9).map { "0.\($0),0.5\n" }
      let input = "x,y\n" + rows.joined() + "3e38,3e38\n" + rows.joined()
      for batch in ["1", "4", "64"] {
        let ending = try bench.run(
          ["predict", "run", "--csv", "--batch", batch], input: input)
        #expect(ending.exitCode == 1 && ending.messages.count == 1)
        #expect(ending.errorOutput.contains("for row 10: "), "\(ending.errorOutput)")
        #expect(ending.output.split(separator: "\n").count == 10, "\(ending.output)")
      }
    }

    /// A letter that no other line has is what the model can not read.
    @Test func whatComesBeforeAConversationOrALineThatIsNotFiniteIsAnswered() throws {
      let bench = try Workbench()
      let model =
        "{architecture: llama, layers: 1, heads: 2, width: 16, context: 64, tie_embeddings: false}"
      try bench.train("run", ["--set", "model=\(model)", "--steps", "6"])
      try bench.damage(
        "run/checkpoints/step-00000006", into: "damaged", .nan,
        tensor: "model.embed_tokens.weight", element: 16 * Int(UInt8(ascii: "z")))
      let prompts = ["a", "the b", "a z", "z", "c"]
      try bench.write(
        prompts.map { "{\"prompt\": \"\($0)\"}\n" }.joined(), to: "questions.jsonl")
      for batch in ["1", "16"] {
        let ending = try bench.run(
          ["answer", "damaged", "questions.jsonl", "--template", "plain", "--max-tokens", "1"]
            + ["--json", "--batch", batch])
        #expect(ending.exitCode == 1 && ending.messages.count == 1)
        #expect(ending.errorOutput.contains("of line 3: "), "\(ending.errorOutput)")
        #expect(ending.output.split(separator: "\n").count == 2, "\(ending.output)")
      }
      let embed = ["embed", "damaged"]
      let ending = try bench.run(embed, input: prompts.joined(separator: "\n"))
      #expect(ending.exitCode == 1 && ending.messages.count == 1)
      #expect(ending.errorOutput.contains("for line 3: "), "\(ending.errorOutput)")
      #expect(try bench.run(embed, input: "a\nthe b\n").output == ending.output)
      let file = try bench.run(
        embed + ["--output", "vectors"], input: prompts.joined(separator: "\n"))
      #expect(file.exitCode == 1 && !bench.exists("vectors"))
    }

    @Test(arguments: [nil, 2]) func aRunOutlivesTranslationsThatCanNotBeWritten(
      ranks: Int?
    ) throws {
      let bench = try TranslationBench()
      // One step to parameters of 1e36: finite, but not what comes of them.
      let ending = try bench.run(
        ["train", "translation.yaml", "--output", "run", "--steps", "1"]
          + ["--set", "optimizer={name: sgd, learning_rate: 1e36, clip_norm: 0}"], ranks: ranks)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(
        ending.output.contains("the validation loss of step 1 is not a number, first in batch 0"))
      #expect(bench.bench.exists("run/checkpoints/step-00000001/manifest.json"))
      let summary = try bench.bench.summary("run")
      #expect(summary.validationLoss?.isNaN == true)
      #expect(summary.metrics["bleu"]?.isNaN == true && summary.metrics["chrf"]?.isNaN == true)
    }

    @Test(arguments: [nil, 2]) func aLastUpdateThatDivergesIsNotSaved(ranks: Int?) throws {
      let bench = try Workbench()
      let ending = try bench.run(
        ["train", "run.yaml", "--quiet", "--output", "run", "--steps", "1"] + Workbench.tiny
          + ["--set", "optimizer={name: sgd, learning_rate: 1e39, clip_norm: 0}"]
          + ["--set", "schedule={name: constant}"], ranks: ranks)
      #expect(ending.exitCode == 1, "\(ending.errorOutput)")
      #expect(ending.messages.count == 1, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("step 1: its update left numbers in"))
      #expect(!bench.exists("run/summary.json"))
      #expect(!bench.exists("run/checkpoints/step-00000001"))
    }
  }

  /// A folder with pairs of short lines and a translation model to learn from them.
  private struct TranslationBench {
    let bench: Workbench

    init() throws {
      bench = try Workbench()
      let words = ["math", "line", "river", "stone"]
      let lines = (0..<40).map { "\(words[$0 % 4]) \(words[$0 / 4 % 4])\n" }.joined()
      try bench.write(lines, to: "source.txt")
      try bench.write(lines, to: "target.txt")
      let ending = try run(
        ["prepare", "--pairs", "source.txt", "target.txt", "--output", "pairs"]
          + ["--tokenizer", "bytes", "--quiet"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      try bench.write(
        """
        task: translation
        data:
          format: pairs
          train_source: pairs/train.source.bin
          train_target: pairs/train.target.bin
          validation_source: pairs/validation.source.bin
          validation_target: pairs/validation.target.bin
          tokenizer: pairs/tokenizer.json
        model:
          {architecture: transformer, encoder_layers: 1, decoder_layers: 1, heads: 2, width: 16,
           context: 32}
        batch: {sequences: 4, microbatches: 2}
        steps: 2
        evaluate: {every: 1, batches: 1, bleu: true}
        schedule: {name: constant}
        """, to: "translation.yaml")
    }

    func run(_ arguments: [String], ranks: Int? = nil) throws -> RunningCommand.Ending {
      try bench.run(arguments, ranks: ranks)
    }
  }
}

extension Workbench {
  /// Copies a checkpoint's model as one that has no hashes, a number of each tensor replaced.
  ///
  /// - Parameters:
  ///   - tensor: The only one that is damaged. Default: all are.
  ///   - element: Which number. Default: the first.
  func damage(
    _ checkpoint: String, into name: String, _ value: Float, tensor: String? = nil,
    element: Int = 0
  ) throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    for file in ["config.json", "tokenizer.json", "config.yaml", "classes.json"]
    where exists("\(checkpoint)/\(file)") {
      try manager.copyItem(atPath: path("\(checkpoint)/\(file)"), toPath: path("\(name)/\(file)"))
    }
    var bytes = try Data(contentsOf: folder.appending(path: "\(checkpoint)/model.safetensors"))
    let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: bytes[8..<8 + headerLength])
    let entries = header as? [String: Any] ?? [:]
    for (key, entry) in entries where tensor == nil || tensor == key {
      guard let entry = entry as? [String: Any] else { continue }
      guard let start = (entry["data_offsets"] as? [Int])?.first else { continue }
      let place = 8 + headerLength + start + 4 * element
      withUnsafeBytes(of: value.bitPattern.littleEndian) {
        bytes.replaceSubrange(place..<place + 4, with: $0)
      }
    }
    try bytes.write(to: folder.appending(path: "\(name)/model.safetensors"))
  }
}
