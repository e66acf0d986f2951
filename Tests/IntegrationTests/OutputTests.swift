import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// Output that can not be written: a result is never lost with exit code 0, and a training goes on.
  @Suite struct OutputTests {
    private static let tiny = "--set '\(Workbench.tiny[1])'"

    /// What prints a result, in a folder with a run of a language model.
    private static let printing = [
      "--help", "--version", "train --help", "train run.yaml --print-config",
      "train run.yaml --plot-schedule", "prepare text.txt --output data --tokenizer bytes",
      "prepare text.txt --output data --tokenizer bytes --json", "evaluate run",
      "evaluate run --json", "inspect run", "inspect run --json",
      "generate run --prompt the --max-tokens 3", "generate run --prompt the --max-tokens 3 --json",
      "generate run --prompt the --max-tokens 3 --beams 2", "explain run --text the",
      "explain run --text the --json", "score text.txt text.txt", "score text.txt text.txt --json",
      "doctor", "doctor --json", "benchmark train tiny --steps 1 --json",
      "debug run.yaml --trace \(tiny)", "watch run --terminal",
    ]

    @Test func aResultThatCanNotBeWrittenIsAnError() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      for command in Self.printing {
        let full = try bench.shell("lockstep \(command) > /dev/full")
        #expect(full.exitCode == 1, "\(command): \(full.exitCode)")
        #expect(
          full.errorOutput.contains(
            "standard output: cannot write: No space left on device; what was printed is not complete"
          ),
          "\(command): \(full.errorOutput)")
        let closed = try bench.shell("lockstep \(command) >&-")
        #expect(closed.exitCode == 1, "\(command): \(closed.exitCode)")
        #expect(
          closed.errorOutput.contains("standard output: cannot write: it is closed"),
          "\(command): \(closed.errorOutput)")
      }
    }

    @Test func whereNobodyReadsTheCommandEndsQuietly() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      for command in Self.printing {
        // A pipe whose only reader has gone before.
        let ending = try bench.shell(
          "rm -f pipe; mkfifo pipe; exec 3<>pipe 4>pipe 3<&-; lockstep \(command) >&4; exit $?")
        #expect(ending.exitCode == 141, "\(command): \(ending.exitCode)")
        #expect(!ending.errorOutput.contains("lockstep: "), "\(command): \(ending.errorOutput)")
      }
    }

    @Test(arguments: ["embed none", "explain none --text the", "report none", "redact none"])
    func anOutputWithoutItsDirectoryIsSaidBeforeAnythingIsRead(command: String) throws {
      let bench = try Workbench()
      let ending = try bench.shell("lockstep \(command) --output gone/file")
      #expect(ending.exitCode == 2, "\(ending.exitCode)")
      #expect(ending.errorOutput.contains("there is no directory gone; make it first"))
    }

    /// A file that appears whole replaces what has its name: a device would be gone.
    @Test func whatIsNoFileIsNoOutputAndSaidBeforeAnythingIsRead() throws {
      let bench = try Workbench()
      try #require(mkfifo(bench.path("pipe"), 0o600) == 0)
      for command in [
        "embed none", "explain none --text the", "report none",
        "redact none --overwrite",
      ] {
        let ending = try bench.shell("lockstep \(command) --output pipe")
        #expect(ending.exitCode == 2, "\(command)")
        #expect(
          ending.errorOutput.contains(
            "--output pipe: cannot create: it is a pipe, which a file would replace; name a file"),
          "\(command): \(ending.errorOutput)")
      }
      var status = stat()
      #expect(lstat(bench.path("pipe"), &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    @Test(arguments: ["> /dev/full", ">&-", "> /dev/full 2>&1", ">&- 2>&-", ">&- 2>&- <&-"])
    func noTrainingStopsForItsConsole(_ redirection: String) throws {
      /// TensorBoard's files have the time in their names.
      func names(_ bench: Workbench, _ run: String) throws -> [String] {
        try bench.contents(of: run).keys.map { $0.contains("tfevents") ? "events" : $0 }.sorted()
      }
      let bench = try Workbench()
      let expected = try bench.train("quiet", Workbench.tiny)
      for style in ["", "--json"] {
        let ending = try bench.shell(
          "lockstep train run.yaml --output run \(Self.tiny) \(style) \(redirection)")
        #expect(ending.exitCode == 0, "\(redirection): \(ending.errorOutput)")
        let summary = try bench.summary("run")
        #expect(summary.parametersSHA256 == expected.parametersSHA256)
        // What was printed is in none of its files.
        #expect(try bench.recordedSteps("run") == Array(1...50))
        #expect(try names(bench, "run") == names(bench, "quiet"))
        #expect(try bench.shell("lockstep inspect run/checkpoints/step-00000050").exitCode == 0)
        try FileManager.default.removeItem(atPath: bench.path("run"))
      }
    }

    @Test func anErrorThatNobodyCanReadEndsWithItsCode() throws {
      let bench = try Workbench()
      for redirection in ["2>&-", "2> /dev/full", "2>&1 | exec true"] {
        let ending = try bench.shell("lockstep train nothing.yaml \(redirection)")
        #expect(ending.exitCode == 2, "\(redirection): \(ending.exitCode)")
        #expect(ending.output.isEmpty && ending.errorOutput.isEmpty)
      }
    }

    @Test func aCommandGoesOnWhereItsProgressIsNotRead() throws {
      let bench = try Workbench()
      let ending = try bench.shell(
        "lockstep prepare text.txt --output again --tokenizer bytes 2>&- > printed")
      #expect(ending.exitCode == 0)
      #expect(try bench.text("printed").contains("again"))
    }

    // MARK: - Escape sequences

    @Test func controlCharactersOfFilesAreShownAndNotSent() throws {
      let bench = try Workbench()
      let escape = "\u{1B}[31m"
      try bench.write("steps: \"\(#"\e[31m"#)\"\n", to: "bad.yaml")
      try bench.write("a,\(escape)\n1,2\n", to: "\(escape).csv")
      for arguments in [
        ["train", "\(escape).yaml"], ["train", "bad.yaml"], ["evaluate", "\(escape)"],
        ["inspect", "\(escape)"], ["train", "--print-config", "--set", "\(escape)=1"],
        ["train", "run.yaml", "--\(escape)"],
      ] {
        let ending = try bench.run(arguments)
        #expect(ending.exitCode == 2, "\(arguments)")
        #expect(ending.errorOutput.contains(#"\u{1B}[31m"#), "\(ending.errorOutput)")
        #expect(!ending.errorOutput.contains("\u{1B}"), "\(arguments)")
      }
      let shown = try bench.run(["inspect", "\(escape).csv"])
      #expect(shown.exitCode == 0 && !shown.output.contains("\u{1B}"))
      #expect(shown.output.contains(#"\u{1B}[31m"#), "\(shown.output)")
    }

    @Test func generatedTextIsLeftAsItIsInAPipe() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let prompt = "the \u{1B}[31m"
      let piped = try bench.run(["generate", "run", "--prompt", prompt, "--max-tokens", "1"])
      #expect(piped.output.hasPrefix(prompt))
      // `script` gives the command a terminal, and runs it by the user's shell, whichever that is.
      try bench.write(prompt, to: "prompt.txt")
      let terminal = try bench.shell(
        #"script -qec 'lockstep generate run --prompt "$(cat prompt.txt)" --max-tokens 1' /dev/null"#
      )
      #expect(terminal.output.hasPrefix(#"the \u{1B}[31m"#), "\(terminal.output)")
    }
  }
}
