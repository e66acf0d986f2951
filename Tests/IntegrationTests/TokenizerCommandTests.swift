import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Tokenizers that others have made, from the command line.
  @Suite struct TokenizerCommandTests {
    private struct Answer: Decodable, Equatable {
      let text: String
      let tokens: [Int32]
      let decoded: String
      let input: [Int32]
      let segments: [Int32]
    }

    private func family(_ name: String) -> String {
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "DatasetsTests/Fixtures/Families/\(name).json").path
    }

    /// Answers of `--json` to what comes by standard input.
    private func tokenize(_ bench: Workbench, _ lines: String) throws -> RunningCommand.Ending {
      try bench.write(lines, to: "lines.jsonl")
      let lockstep = try MPIRunner.product("lockstep").path
      return try RunningCommand(
        [
          "sh", "-c", "exec \"$0\" tokenize \"$1\" --json < lines.jsonl", lockstep, family("bert"),
        ], in: bench.folder, timeout: .seconds(60)
      ).wait()
    }

    @Test func aTextsTokensAreShownWithAndWithoutTheTemplate() throws {
      let bench = try Workbench()
      let words = ["tokenize", family("bert"), "--text", "Wörter and more."]
      let plain = try bench.run(words)
      #expect(plain.exitCode == 0, "\(plain.errorOutput)")
      #expect(plain.output.hasSuffix("[.]\n"), "\(plain.output)")
      let input = try bench.run(words + ["--input"])
      #expect(input.output.hasSuffix("[.][[SEP]]\n"))
      let (tokens, all) = (plain.output.prefix { $0 != "\n" }, input.output.prefix { $0 != "\n" })
      #expect(all == "2 \(tokens) 3")
    }

    @Test func linesOfJSONAreAnsweredOneByOne() throws {
      let bench = try Workbench()
      let ending = try tokenize(
        bench, "{\"text\": \"a\\nB\", \"pair\": \"c\"}\n{\"text\": \"\"}\n")
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let answers = try ending.output.split(separator: "\n").map {
        try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
      }
      let first = try #require(answers.first)
      #expect(first.text == "a\nB" && first.decoded == "a b" && first.tokens.count == 2)
      #expect(first.input.count == 6 && first.segments == [0, 0, 0, 0, 1, 1])
      #expect(answers.last?.tokens == [] && answers.last?.input == [2, 3])
    }

    @Test func whatIsWrongIsSaidWithItsLine() throws {
      let bench = try Workbench()
      let ending = try tokenize(bench, "{\"text\": \"a\"}\n{\"words\": 1}\n")
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("line 2: expected a JSON object with text"))
      let nothing = try bench.run(["tokenize", "nothing.json", "--text", "a"])
      #expect(nothing.exitCode == 2 && nothing.errorOutput.contains("nothing.json"))
    }

    private struct Explained: Decodable {
      let tokens: [Int32]
    }

    /// The tokens of a text as the run in `run` reads it.
    private func explained(_ text: String, _ bench: Workbench) throws -> [Int32] {
      let ending = try bench.run(["explain", "run", "--json", "--text", text])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try JSONDecoder().decode(Explained.self, from: Data(ending.output.utf8)).tokens
    }

    /// A model with Llama 2's form of tokenizer: documents without the template, prompts with it.
    @Test func aModelLearnsDocumentsAndContinuesPrompts() throws {
      let bench = try Workbench()
      try bench.write(Workbench.sentences(count: 300), to: "text.txt")
      let prepared = try bench.run([
        "prepare", "text.txt", "--output", "pieces", "--tokenizer", family("llama2"), "--quiet",
      ])
      try #require(prepared.exitCode == 0, "\(prepared.errorOutput)")
      let configuration = """
        task: language-modeling
        data: {train: pieces/train.bin, validation: pieces/validation.bin, tokenizer: pieces/tokenizer.json}
        model: {architecture: gpt, layers: 1, heads: 2, width: 16, context: 16}
        batch: {sequences: 4, microbatches: 1}
        schedule: {warmup_steps: 0}
        evaluate: {every: 5, batches: 1}
        steps: 10
        """
      try bench.write(configuration, to: "run.yaml")
      try bench.train("run")
      // The tokens' bytes are not the text's.
      let metrics = try bench.text("run/metrics.jsonl")
      #expect(metrics.contains("perplexity") && !metrics.contains("bits_per_byte"))
      let tokens = try explained("the sun", bench)
      #expect(tokens.first == 1 && tokens.count > 2)
      // Begun by hand, a prompt is not begun once more.
      #expect(try explained("<s>the sun", bench) == tokens)
      #expect(try explained("<s><s>the sun", bench) == [1] + tokens)
      let generated = try bench.run([
        "generate", "run", "--temperature", "0", "--max-tokens", "8", "--prompt", "the sun",
      ])
      #expect(generated.exitCode == 0 && generated.output.hasPrefix("the sun"))
    }
  }
}
