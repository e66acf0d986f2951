import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Conversations from lines of JSON to a trained model that answers.
  @Suite struct ChatTests {
    private static let run = """
      data: {format: conversations, train: chat/train.bin, validation: chat/validation.bin, tokenizer: chat/tokenizer.json}
      model: {architecture: llama, layers: 1, heads: 2, width: 32, context: 64}
      batch: {sequences: 2, microbatches: 4}
      optimizer: {name: adamw, learning_rate: 1e-2}
      steps: 30
      checkpoint: {every: 10, keep: 5}
      """

    /// A bench with prepared conversations: a letter is answered by the same letter.
    private func bench() throws -> Workbench {
      let bench = try Workbench()
      let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
      let lines = (0..<120).map { index in
        let (first, second) = (letters[index % 26], letters[index * 7 % 26])
        return """
          {"messages": [{"role": "user", "content": "\(first)"}, {"role": "assistant", "content": "\(first)"}, \
          {"role": "user", "content": "\(second)"}, {"role": "assistant", "content": "\(second)"}]}

          """
      }
      try bench.write(lines.joined(), to: "chat.jsonl")
      let ending = try bench.run([
        "prepare", "--chat", "chat.jsonl", "--tokenizer", "data/tokenizer.json", "--template",
        "plain",
        "--output", "chat", "--context", "64",
      ])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.contains("template    plain"))
      try bench.write(Self.run, to: "run.yaml")
      return bench
    }

    private struct Answer: Decodable {
      let message: String
      let answer: String
      let ending: String
      let forgotten: Int
    }

    private func chat(
      _ bench: Workbench, _ lines: String, _ options: [String] = []
    ) throws -> [Answer] {
      try bench.write(lines, to: "lines")
      let lockstep = try MPIRunner.product("lockstep").path
      let command =
        "\(lockstep) chat run --json --temperature 0 --max-tokens 8 \(options.joined(separator: " ")) < lines"
      let ending = try RunningCommand(
        ["sh", "-c", command], in: bench.folder, timeout: .seconds(60)
      ).wait()
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try ending.output.split(separator: "\n").map {
        try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
      }
    }

    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func parametersAreTheSameOnAnyNumberOfRanksAndWhenResumed() throws {
      let bench = try bench()
      let alone = try bench.train("alone")
      for ranks in [2, 3] {
        let summary = try bench.train("ranks-\(ranks)", ranks: ranks)
        #expect(summary.parametersSHA256 == alone.parametersSHA256, "\(ranks) ranks")
        #expect(summary.validationLoss == alone.validationLoss)
      }
      // As if it had been killed behind step 10.
      for step in ["20", "30"] {
        try FileManager.default.removeItem(
          atPath: bench.path("ranks-3/checkpoints/step-000000\(step)"))
      }
      let resumed = try bench.train("ranks-3", ["--resume"], ranks: 2)
      #expect(resumed.parametersSHA256 == alone.parametersSHA256)
      let all = try bench.train("all", ["--set", "data.loss_on=all"])
      #expect(all.parametersSHA256 != alone.parametersSHA256)
    }

    @Test func aModelThatLearnedConversationsAnswers() throws {
      let bench = try bench()
      let summary = try bench.train("run", ["--steps", "300"])
      let evaluated = try bench.run(["evaluate", "run", "--json", "--sequences", "2"])
      #expect(evaluated.output.contains("\"loss\":\(summary.validationLoss ?? 0)"))
      #expect(bench.exists("run/checkpoints/step-00000300/chat_template.jinja"))

      let answers = try chat(bench, "a\n\nk\n/reset\nz\n/system Be brief.\nq\n")
      #expect(answers.map(\.message) == ["a", "k", "z", "q"])
      #expect(answers.filter { $0.answer == " " + $0.message }.count >= 3, "\(answers)")
      #expect(answers.filter { $0.ending == "finished" }.count >= 3)
      // Turns that were said before are read from the cache: they are the same without it.
      let again = try chat(bench, "a\nk\n")
      #expect(again.map(\.answer) == answers.prefix(2).map(\.answer))

      let long = try chat(bench, "a\nb\nc\nd\ne\n")
      #expect(long.map(\.forgotten).reduce(0, +) > 0)
    }

    /// Of the lines of a file only those are commands that are nothing else.
    @Test func throughAPipeALineThatIsNoCommandIsAMessage() throws {
      let bench = try bench()
      try bench.train("run", ["--steps", "1"])
      let answers = try chat(
        bench,
        "/etc/hosts, what?\n/reset now\n/resets\n/system\n//reset\n/help\n/x y\n/quit it\n/quit\nz\n"
      )
      #expect(
        answers.map(\.message) == [
          "/etc/hosts, what?", "/reset now", "/resets", "/reset", "/x y", "/quit it",
        ])
      let help = try bench.run(["chat", "--help"]).output.split(whereSeparator: \.isWhitespace)
      #expect(
        help.joined(separator: " ").contains(
          "/reset, /system TEXT, /help and /quit are commands there"))
    }

    /// `script` gives the command a terminal.
    @Test func inATerminalAMessageThatIsRefusedEndsNothing() throws {
      let bench = try bench()
      try bench.train("run", ["--steps", "1"])
      try bench.write(
        """
        {%- if 'q' in messages[-1].content %}{{ raise_exception('no q') }}{% endif -%}
        {%- for message in messages %}{{ message.content }}{{ eos_token }}{% endfor -%}
        """, to: "refusing.jinja")
      try bench.write("q\n/etc\na\n/quit\n", to: "lines")
      let ending = try bench.shell(
        "script -qec 'lockstep chat run --temperature 0 --max-tokens 3 --template refusing.jinja' /dev/null < lines"
      )
      #expect(ending.exitCode == 0, "\(ending.output)")
      #expect(ending.output.contains("refuses the conversation: no q"), "\(ending.output)")
      #expect(ending.output.contains("there is no command /etc"))
      // The one that was answered has something behind it: its end, or the most tokens.
      #expect(ending.output.components(separatedBy: "> ").count == 5, "\(ending.output)")
    }

    @Test func aFewTokensAreDrawnFromWithoutATemperature() throws {
      let bench = try bench()
      try bench.train("run", ["--steps", "1"])
      func answers(_ options: String...) throws -> String {
        let ending = try bench.run(["answer", "run", "chat.jsonl", "--max-tokens", "8"] + options)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        return ending.output
      }
      let greedy = try answers()
      #expect(try answers("--top-k", "50", "--temperature", "0") == greedy)
      for option in [["--top-k", "50"], ["--top-p", "0.9"]] {
        let drawn = try answers(option[0], option[1])
        #expect(drawn != greedy)
        #expect(try answers(option[0], option[1], "--temperature", "1") == drawn)
      }
    }

    @Test func aFileOfConversationsIsAnsweredAsInAConversationOfEach() throws {
      let bench = try bench()
      try bench.train("run", ["--steps", "300"])
      let long = [String](repeating: "a", count: 70).joined(separator: " ")
      try bench.write(
        """
        {"prompt": "a", "completion": "a\\nb"}

        {"messages": [{"role": "user", "content": "k"}]}
        {"instruction": "\(long)", "output": "c"}
        {"messages": [{"role": "user", "content": "z"}, {"role": "assistant", "content": "z"}, \
        {"role": "user", "content": "q"}, {"role": "assistant", "content": "q"}]}
        {"prompt": "r", "other": 1}
        {"prompt": "s"}
        """, to: "some.jsonl")
      let said = try chat(bench, "a\n/reset\nk\n/reset\nr\n/reset\ns\n").map(\.answer)
      let answer = ["answer", "run", "some.jsonl", "--max-tokens", "8"]
      let together = try bench.run(answer)
      try #require(together.exitCode == 0, "\(together.errorOutput)")
      let lines = together.output.split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
      #expect(lines.count == 7 && lines[6].isEmpty)
      #expect([lines[0], lines[1], lines[4], lines[5]] == said)
      #expect(lines[2].isEmpty)
      #expect(
        together.errorOutput.contains(
          "line 4 fills the model's context of 64 tokens: no answer"))
      #expect(together.errorOutput.contains("left out the key other, which 1 line has"))
      for batch in ["1", "2"] {
        #expect(try bench.run(answer + ["--batch", batch]).output == together.output)
      }

      let quiet = try bench.run(answer + ["--json", "--quiet"])
      #expect(quiet.errorOutput.isEmpty)
      let first = quiet.output.split(separator: "\n").first ?? ""
      #expect(
        first.contains("\"line\":1,\"reference\":\"a b\"")
          && first.contains("\"ending\":\"finished\""), "\(first)")
      #expect(quiet.output.contains("\"ending\":\"too_long\",\"line\":4"))

      let whole = try bench.run(["answer", "run", "chat.jsonl", "--references", "known"])
      #expect(whole.output.split(separator: "\n").count == 120)
      try bench.write(whole.output, to: "answers")
      let score = try bench.run(["score", "--metric", "rouge", "answers", "known", "--json"])
      #expect(score.exitCode == 0, "\(score.errorOutput)")
      let known = try String(contentsOfFile: bench.path("known"), encoding: .utf8)
      #expect(known.hasPrefix("a\nh\no\n") && known.count == 240)
    }

    @Test(arguments: [
      (["chat", "run", "--template", "nowhere"], "--template is 'nowhere'"),
      (["chat", "run", "--date", "today"], "--date is 'today'"),
      (
        ["chat", "run", "--max-tokens", "0"], "--max-tokens is a whole number of at least 1, not 0"
      ),
      (["chat", "run", "--beams", "2"], "Unknown option '--beams'"),
      (["prepare", "--chat", "chat.jsonl", "--output", "x"], "--chat needs --tokenizer"),
      (["prepare", "text.txt", "--output", "x", "--context", "4"], "go with --chat"),
      (
        ["prepare", "--chat", "chat.jsonl", "--output", "x", "--tokenizer", "data/tokenizer.json"],
        "data/tokenizer.json has no chat template"
      ),
      (
        [
          "prepare", "--chat", "bad.jsonl", "--output", "x", "--tokenizer", "data/tokenizer.json",
          "--template", "plain",
        ], "bad.jsonl: line 2, completion: no answer: the last one is empty"
      ),
      (
        [
          "prepare", "--chat", "chat.jsonl", "--output", "x", "--tokenizer", "data/tokenizer.json",
          "--template", "bad.jinja",
        ], "bad.jinja: line 1: uses the filter 'urlize'"
      ),
      (
        [
          "prepare", "--chat", "chat.jsonl", "--output", "x/y", "--tokenizer",
          "data/tokenizer.json", "--template", "refusing.jinja",
        ], "chat.jsonl: line 1: refusing.jinja: line 1: the template refuses the conversation: no"
      ),
      (
        [
          "prepare", "--chat", "chat.jsonl", "--output", "x/y", "--tokenizer",
          "data/tokenizer.json", "--template", "plain", "--context", "4",
        ], "raise --context"
      ),
      (
        ["answer", "run", "bad.jsonl", "--references", "x"],
        "bad.jsonl: line 2 has no answer, which --references asks for"
      ),
      (["answer", "run", "chat.jsonl", "--references", "chat.jsonl"], "name another one"),
      (["answer", "run", "chat.jsonl", "--references", "./chat.jsonl"], "name another one"),
      (["answer", "run", "text.txt"], "text.txt: line 1: not JSON"),
      (["answer", "run", "answers.jsonl"], "answers.jsonl: line 1, prompt: no question"),
      (
        ["answer", "run", "chat.jsonl", "--batch", "0"],
        "--batch is a whole number from 1 to 4096, not 0"
      ),
      (["answer", "run", "chat.jsonl", "--beams", "2"], "Unknown option '--beams'"),
      (
        ["answer", "run", "chat.jsonl", "--references", "x", "--template", "refusing.jinja"],
        "chat.jsonl: line 1: refusing.jinja: line 1: the template refuses the conversation: no"
      ),
      (
        ["train", "run.yaml", "--output", "x", "--set", "model.context=8"],
        "holds a conversation of"
      ),
    ])
    func wrongInputEndsWithOneLine(_ arguments: [String], _ message: String) throws {
      let bench = try bench()
      try bench.train("run", ["--steps", "1"])
      try bench.write(
        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"completion\": \" \"}\n",
        to: "bad.jsonl")
      try bench.write("{{ 'x' | urlize }}", to: "bad.jinja")
      try bench.write("{{ raise_exception('no') }}", to: "refusing.jinja")
      try bench.write("{\"prompt\": [], \"completion\": \"b\"}\n", to: "answers.jsonl")
      try bench.write("not JSON\n", to: "text.txt")
      let ending = try bench.run(arguments)
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains(message), "\(ending.errorOutput)")
      #expect(!bench.exists("x"))
    }
  }
}
