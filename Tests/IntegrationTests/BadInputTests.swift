import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Whatever is wrong with the input: exit code 2, one message that says what, and no file made or
  /// changed.
  @Suite struct BadInputTests {
    /// A bench with things that are wrong in one way each.
    private func makeBench() throws -> Workbench {
      let bench = try Workbench()
      try bench.write("", to: "empty.yaml")
      try bench.write("steps: [1, 2\n", to: "broken.yaml")
      let good = Workbench.configuration
      try bench.write(good.replacing("layers:", with: "layerz:"), to: "unknown.yaml")
      try bench.write(
        "{task: regression, data: {format: csv}, model: {architecture: sine}}",
        to: "regression.yaml")
      try bench.write(
        good.replacing("layers: 2", with: "layers: 0").replacing("width: 48", with: "width: 49")
          .replacing("steps: 50", with: "steps: many"), to: "three.yaml")
      try bench.write("the 1 2 3\nof 4 5 6\n", to: "narrow.txt")
      try bench.write("2 3\nthe 1 2 3\nof 4 5 6\n", to: "narrow-header.txt")
      let words = try bench.run(
        ["prepare", "text.txt", "--output", "characters", "--tokenizer", "characters"])
      #expect(words.exitCode == 0)
      let tokens = try Data(contentsOf: bench.folder.appendingPathComponent("data/train.bin"))
      try tokens.prefix(5000).write(to: bench.folder.appendingPathComponent("short.bin"))
      try FileManager.default.createDirectory(
        atPath: bench.path("nothing"), withIntermediateDirectories: true)
      try bench.train("done", Workbench.tiny + ["--set", "schedule.name=constant", "--steps", "6"])
      return bench
    }

    struct Case: CustomStringConvertible {
      let description: String
      let arguments: [String]
      /// What the message must contain, all of them.
      let expected: [String]

      /// - Parameter arguments: Divided by spaces; one that does not divide is U+00A0.
      init(_ description: String, _ arguments: String, _ expected: String...) {
        self.description = description
        self.arguments = arguments.split(separator: " ").map {
          String($0).replacing("\u{A0}", with: " ")
        }
        self.expected = expected
      }
    }

    private func check(_ bench: Workbench, _ cases: [Case], ranks: Int? = nil) throws {
      for input in cases {
        let before = try bench.contents(of: ".")
        let ending = try bench.run(input.arguments, ranks: ranks)
        let told = "\(input): \(ending.errorOutput)"
        #expect(ending.exitCode == 2, "\(told)")
        #expect(ending.messages.count == 1, "\(told)")
        for text in input.expected { #expect(ending.errorOutput.contains(text), "\(told)") }
        // Errors of Foundation print their type, domain and user info; no user wants those.
        #expect(!ending.errorOutput.contains("Error Domain"), "\(told)")
        #expect(ending.output.isEmpty, "\(input): \(ending.output)")
        #expect(try bench.contents(of: ".") == before, "\(input) changed files")
      }
    }

    private static let configurations = [
      Case("no file", "train none.yaml --output new", "none.yaml", "no such file"),
      Case("a folder", "train data --output new", "data", "directory"),
      Case("an empty file", "train empty.yaml --output new", "empty.yaml", "the file is empty"),
      Case("not YAML", "train broken.yaml --output new", "broken.yaml"),
      Case(
        "an unknown key", "train unknown.yaml --output new", "unknown.yaml:2: model.layerz",
        "did you mean layers?"),
      Case(
        "three wrong values", "train three.yaml --output new", "3 problems",
        "model.layers: found 0",
        "model.heads", "steps: found \"many\""),
      Case(
        "an override without a value", "train run.yaml --output new --set steps", "key.path=value"),
      Case(
        "an override of nothing", "train run.yaml --output new --set optimiser.betas=1",
        "did you mean optimizer"),
      Case("no steps", "train run.yaml --output new --steps 0", "steps"),
      Case(
        "a key of another optimiser",
        "train run.yaml --output new --set optimizer={name:\u{A0}lion,momentum:\u{A0}0.5}",
        "optimizer.momentum", "is lion"),
    ]

    private static let data = [
      Case(
        "a model that no host has room for",
        "train run.yaml --output new --set model={layers:\u{A0}1024,width:\u{A0}65536}",
        "does not fit in memory", "parameters 192", "a smaller model"),
      Case(
        "activations that no host has room for",
        "train run.yaml --output new --set batch.sequences=65536 --set model.layers=1024",
        "does not fit in memory", "batch.sequences:", "model.recompute: true"),
      Case(
        "a context longer than the text", "train run.yaml --output new --set model.context=60000",
        "data/train.bin", "60000"),
      Case(
        "a tokenizer of other tokens",
        "train run.yaml --output new --set data.tokenizer=characters/tokenizer.json",
        "tokenizer"),
      Case(
        "no tokenizer file", "train run.yaml --output new --set data.tokenizer=none.json",
        "none.json"),
      Case(
        "a tokenizer that is none", "train run.yaml --output new --set data.tokenizer=text.txt",
        "text.txt", "byte 0"),
      Case(
        "a vocabulary smaller than the tokenizer's",
        "train run.yaml --output new --set model.vocabulary=100", "model.vocabulary", "257"),
      Case(
        "a truncated token file", "train run.yaml --output new --set data.train=short.bin",
        "short.bin: truncated at byte 5000"),
      Case(
        "text instead of tokens", "train run.yaml --output new --set data.train=text.txt",
        "text.txt: not a token file"),
      Case("no token file", "train run.yaml --output new --set data.train=none.bin", "none.bin"),
      Case(
        "word vectors of another width",
        "train run.yaml --output new --set word_vectors.path=narrow.txt",
        "narrow.txt: vectors of 3 numbers, but model.width is 48: set it to 3"),
      Case(
        "word vectors that say so",
        "train run.yaml --output new --set word_vectors.path=narrow-header.txt",
        "narrow-header.txt: vectors of 3 numbers, but model.width is 48: set it to 3"),
    ]

    private static let outputs = [
      Case(
        "an output below a file", "train run.yaml --output text.txt/run", "text.txt/run",
        "Not a directory"),
      Case("an output with other files", "train run.yaml --output data", "data is not empty"),
      Case(
        "another configuration", "train run.yaml --output done --resume",
        "done/config.yaml", "model.width", "the run holds 16"),
      Case(
        "another configuration, not resumed", "train run.yaml --output done",
        "done/config.yaml", "model.width"),
      Case("nothing to resume", "train run.yaml --output new --resume", "no run to resume"),
      Case(
        "an empty folder to resume", "train run.yaml --output nothing --resume",
        "no run to resume"),
    ]

    private static let commandLines = [
      Case("an unknown option", "train run.yaml --outptu new", "--outptu"),
      Case("an unknown subcommand", "trian run.yaml", "trian"),
      Case("no configuration", "train --output new", "configuration"),
      Case("options that exclude each other", "train run.yaml --quiet --json", "--quiet"),
      Case("a number that is none", "train run.yaml --steps ten", "steps"),
      Case(
        "a plot's file without a plot", "train run.yaml --plot-output rate.svg",
        "--plot-schedule"),
      Case("a debugging run of nothing", "debug", "--replay"),
      Case("no ranks", "debug run.yaml --ranks 0", "--ranks"),
      Case("a replay of no step", "debug --replay done", "--step"),
      Case("a replay of a step never taken", "debug --replay done --step 7", "no step 7"),
      Case("a replay of nothing", "debug --replay none --step 1", "none"),
      Case("more ranks than micro-batches", "debug run.yaml --ranks 9", "batch.microbatches"),
      Case("nothing to prepare", "prepare none.txt --output new", "none.txt"),
      Case("no vocabulary", "prepare text.txt --output new --vocabulary-size 3", "3"),
      Case("data that are there", "prepare run.yaml --output data", "data"),
      Case("a benchmark of nothing", "benchmark train none", "none: no such case", "gpt2-long"),
      Case(
        "a benchmark of what can not be looked at",
        "benchmark train \(String(repeating: "a", count: 300))",
        "cannot be read: File name too long"
      ),
      Case(
        "a benchmark of an unknown key", "benchmark kernels unknown.yaml", "did you mean layers?"),
      Case(
        "a benchmark without tokens", "benchmark train regression.yaml", "task is regression",
        "language-modeling"),
      Case("a benchmark of no steps", "benchmark train tiny --steps 0", "--steps"),
      Case(
        "a benchmark of too many steps", "benchmark train tiny --steps 9223372036854775807",
        "--steps is a whole number from 1 to 1000000000, not 9223372036854775807"),
      Case("a reduction of one rank", "benchmark reduction", "mpirun -np 2"),
    ]

    private static let sources = [
      Case("generation from nothing", "generate none --prompt a", "none: no such"),
      Case("generation from a text", "generate text.txt --prompt a", "text.txt"),
      Case(
        "generation from data", "generate data --prompt a", "neither config.yaml nor config.json"),
      Case("generation without a prompt", "generate done", "--prompt"),
      Case("no tokens", "generate done --prompt a --max-tokens 0", "--max-tokens"),
      Case("no probability", "generate done --prompt a --top-p 0", "--top-p"),
      Case("evaluation of nothing", "evaluate none", "none: no such"),
      Case("evaluation of a text", "evaluate text.txt", "text.txt"),
      Case("evaluation on a text", "evaluate done --data text.txt", "not a token file"),
      Case(
        "evaluation on other tokens", "evaluate done --data characters/validation.bin",
        "characters/validation.bin"),
      Case("an explanation of nothing", "explain none --text a", "none: no such"),
      Case(
        "an explanation of a long text", "explain done --text abcdefghijklmnopq", "17 tokens",
        "context is 16"),
      Case(
        "an explanation of no position", "explain done --text abc --position 3", "--position 3",
        "0 to 2"),
      Case(
        "an explanation of two tokens", "explain done --text abc --target de",
        "2 tokens, \"d\" and \"e\""),
      Case("an explanation of an image", "explain done --image 0", "give it --text"),
      Case("an explanation of both", "explain done --image 0 --text a", "one of --text"),
      Case(
        "an explanation below a file", "explain done --text abc --output text.txt/page.html",
        "text.txt/page.html: cannot create: text.txt: Not a directory"),
      Case("an explanation in a folder", "explain done --text abc --output data", "data: Is a dir"),
      Case("inspection of nothing", "inspect none", "none: no such"),
      Case(
        "inspection of a text", "inspect text.txt", "lockstep prepare makes token files of it"),
      Case(
        "inspection of an empty folder", "inspect nothing",
        "nothing: found no files", "neither config.yaml nor config.json"),
    ]

    @Test func isToldOnceAndChangesNothing() throws {
      try check(
        makeBench(),
        Self.configurations + Self.data + Self.outputs + Self.commandLines + Self.sources)
    }

    @Test func isToldOnceByAllRanksTogether() throws {
      let bench = try makeBench()
      let everySecond = (Self.configurations + Self.data + Self.outputs).enumerated()
        .filter { $0.offset.isMultiple(of: 2) }.map(\.element)
      let alsoElsewhere = [
        Case("an unknown option", "train run.yaml --outptu new", "--outptu"),
        Case("evaluation of nothing", "evaluate none", "none: no such"),
        Case("a benchmark of nothing", "benchmark train none", "none: no such case"),
        Case("kernels of several ranks", "benchmark kernels tiny", "without mpirun"),
        Case(
          "more ranks than micro-batches", "train run.yaml --output new --set batch.microbatches=1",
          "batch.microbatches", "number of ranks (2)"),
      ]
      try check(bench, everySecond + alsoElsewhere, ranks: 2)
    }

    @Test func aRunThatIsThereIsNotStartedAgain() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let before = try bench.contents(of: "run")
      let ending = try bench.run(["train", "run.yaml", "--output", "run"] + Workbench.tiny)
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("add --resume to go on"), "\(ending.errorOutput)")
      #expect(try bench.contents(of: "run") == before)
    }
  }
}
