import Foundation
import Testing

extension CommandLineTests {
  /// What commands make of tables, texts and pipes that are not as they should be.
  @Suite struct InputDataTests {
    private let bench: Workbench

    init() throws {
      bench = try Workbench()
      try bench.write(
        """
        task: regression
        data: {format: csv, train: table.csv, validation: table.csv, target: load}
        model: {architecture: linear}
        batch: {sequences: 2, microbatches: 2}
        optimizer: {name: sgd, learning_rate: 5e-2, clip_norm: 0}
        schedule: {name: constant}
        steps: 150
        """, to: "table.yaml")
    }

    private func rows(_ values: (Int) -> String) -> String { (0..<20).map(values).joined() }

    @Test(arguments: [nil, 2] as [Int?])
    func tablesThatMeanTwoThingsAreRefused(ranks: Int?) throws {
      for (table, expected) in [
        (
          "reading,reading,load\n" + rows { "\($0 * 37 % 11),\($0),\(2 * $0)\n" },
          "table.csv: columns 1 and 2 are called reading; expected a name of its own"
        ),
        ("load\n1\n2\n3\n4\n", "table.csv: has no column besides the target load"),
        ("a,load\n1,\n2,3\n", "table.csv: line 2: column load: is empty"),
        ("a;load\n1;2\n", "table.csv: has no column load; its only column is a;load"),
        (",load\n0,1\n", "table.csv: column 1 has no name"),
      ] {
        try bench.write(table, to: "table.csv")
        let ending = try bench.run(["train", "table.yaml"], ranks: ranks)
        #expect(ending.exitCode == 2 && ending.messages.count == 1, "\(ending.errorOutput)")
        #expect(ending.errorOutput.contains(expected), "\(ending.errorOutput)")
      }
    }

    /// With a mark, quotes and commas inside of them: the target is twice the reading.
    @Test func aTableOfASpreadsheetIsLearnedFrom() throws {
      let text =
        "\u{FEFF}\"the \"\"reading\"\", in V\",load\r\n"
        + rows { "\"\(Double($0) / 10)\",\(Double($0) / 5)\r\n" }
      try bench.write(text, to: "table.csv")
      let ending = try bench.run(["train", "table.yaml", "--output", "run", "--quiet"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(try #require(try bench.summary("run").validationLoss) < 1e-3)
    }

    @Test(arguments: [nil, 2] as [Int?])
    func aColumnOfTimesIsToldOnce(ranks: Int?) throws {
      try bench.write(
        "time,a,load\n" + rows { "\(1_700_000_000 + $0),\($0),\($0)\n" }, to: "table.csv")
      let ending = try bench.run(["train", "table.yaml", "--steps", "2"], ranks: ranks)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let told = (ending.output + ending.errorOutput)
        .components(separatedBy: "table.csv: column time has different numbers")
      #expect(told.count == 2, "\(ending.output)\(ending.errorOutput)")
    }

    @Test func prepareSaysWhatItLeftOut() throws {
      for (name, text) in [
        ("texts/a.txt", "one "), ("texts/B.TXT", "two "), ("texts/.git/c.txt", "three "),
        ("texts/notes.md", "four "),
      ] {
        let path = URL(fileURLWithPath: bench.path(name))
        try FileManager.default.createDirectory(
          at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bench.write(text, to: name)
      }
      let command = ["prepare", "texts", "--output", "made", "--tokenizer", "bytes"]
      let ending = try bench.run(command + ["--validation-fraction", "0", "--json"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(
        ending.messages == [
          "lockstep: left out texts/.git: is hidden",
          "lockstep: left out texts/notes.md: is no .txt",
        ])
      #expect(ending.output.contains("\"texts/B.TXT\"") && !ending.output.contains("c.txt"))
      let quiet = try bench.run(command + ["--validation-fraction", "0", "--quiet"])
      #expect(quiet.errorOutput == "" && quiet.output == "")
    }

    /// Writes to a pipe once somebody reads it.
    private func pipe(_ name: String, _ text: String) {
      let path = bench.path(name)
      #expect(mkfifo(path, 0o600) == 0)
      Thread {
        let file = FileHandle(forWritingAtPath: path)
        file?.write(Data(text.utf8))
        try? file?.close()
      }.start()
    }

    @Test func scoreReadsPipes() throws {
      pipe("found", "\u{FEFF}the cat sat on the mat\n")
      pipe("expected", "the cat sat on the mat\n")
      let ending = try bench.run(["score", "found", "expected"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.contains("100.0"), "\(ending.output)")
    }

    @Test func aPromptMayNameSpecialTokensOrSpellThem() throws {
      try bench.train("run", ["--steps", "12", "--set", "schedule.name=constant"])
      for command in [
        ["generate", "run", "--prompt", "<|endoftext|>", "--temperature", "1", "--json"],
        ["explain", "run", "--text", "<|endoftext|>", "--json"],
      ] {
        func output(_ options: [String]) throws -> String {
          let ending = try bench.run(command + options)
          #expect(ending.exitCode == 0, "\(ending.errorOutput)")
          return ending.output
        }
        let tokens = try output([])
        #expect(try tokens == output(["--special-tokens", "token"]))
        #expect(try tokens != output(["--special-tokens", "text"]))
      }
    }
  }
}
