import Foundation
import Testing

/// Several token files, and several documents in one sequence.
@Suite struct TextDataTests {
  private let bench: Workbench

  init() throws {
    // Short documents: a sequence of 48 tokens holds several.
    let sentences = Workbench.sentences(count: 300)
    bench = try Workbench(
      text: sentences.split(separator: " ").enumerated()
        .map { $0 % 6 == 5 ? "\($1)<|endoftext|>" : "\($1) " }.joined())
    try bench.write(String(sentences.uppercased().reversed()), to: "other.txt")
    try prepare("other.txt", "other")
  }

  private func prepare(_ text: String, _ output: String) throws {
    let ending = try bench.run(
      ["prepare", text, "--output", output, "--tokenizer", "data/tokenizer.json"])
    try #require(ending.exitCode == 0, "\(ending.errorOutput)")
  }

  private let mixed = [
    "--set", "data.train=[{path: data/train.bin, weight: 3}, other/train.bin]",
    "--set", "data.validation=[data/validation.bin, other/validation.bin]",
    "--set", "data.documents=separate", "--steps", "12", "--set", "schedule.name=constant",
  ]

  @Test func mixedFilesAndSeparateDocumentsGiveTheSameBitsOnAnyNumberOfRanks() throws {
    let alone = try bench.train("alone", mixed + ["--set", "threads=1"])
    #expect(
      try bench.train("threads", mixed + ["--set", "threads=2"]).parametersSHA256
        == alone.parametersSHA256)
    for ranks in [2, 3] {
      let summary = try bench.train("ranks-\(ranks)", mixed, ranks: ranks)
      #expect(summary.parametersSHA256 == alone.parametersSHA256)
      #expect(summary.validationLoss == alone.validationLoss)
    }
    try bench.train("resumed", mixed + ["--steps", "5"], ranks: 2)
    #expect(
      try bench.train("resumed", mixed + ["--resume"], ranks: 3).parametersSHA256
        == alone.parametersSHA256)
  }

  @Test func eachKeyChangesTheRun() throws {
    let hashes = try [
      [], ["--set", "data.documents=joined"],
      ["--set", "data.train=[{path: data/train.bin, weight: 2}, other/train.bin]"],
      ["--set", "data.train=data/train.bin"],
    ].enumerated().map { try bench.train("run-\($0)", mixed + $1).parametersSHA256 }
    #expect(Set(hashes).count == hashes.count)
  }

  @Test func theConsoleNamesFilesAndShares() throws {
    let ending = try bench.run(["train", "run.yaml"] + mixed)
    #expect(ending.exitCode == 0)
    #expect(ending.output.contains("data/train.bin 75 % + other/train.bin 25 %"))
  }

  @Test func evaluationKeepsDocumentsApartAsTheRunDid() throws {
    let summary = try bench.train("run", mixed + ["--set", "evaluate.batches=0"])
    let checkpoint = "run/checkpoints/step-00000012"
    for source in ["run", checkpoint] {
      let ending = try bench.run(["evaluate", source, "--json"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      let report = try JSONDecoder().decode(Report.self, from: Data(ending.output.utf8))
      #expect(abs(report.loss - (summary.validationLoss ?? 0)) < 1e-5)
      #expect(report.data == "data/validation.bin, other/validation.bin")
    }
  }

  private struct Report: Decodable {
    let loss: Double
    let data: String
  }

  @Test func filesOfOtherTokenizersAreRefused() throws {
    let ending = try bench.run(
      ["prepare", "other.txt", "--output", "foreign", "--tokenizer", "characters"])
    try #require(ending.exitCode == 0)
    let refused = try bench.run(
      ["train", "run.yaml", "--output", "new", "--set"]
        + ["data.train=[data/train.bin, foreign/train.bin]"])
    #expect(refused.exitCode == 2)
    #expect(refused.errorOutput.contains("foreign/train.bin: the token file and the tokenizer"))
    #expect(!bench.exists("new"))
  }

  @Test func wordVectorsAreReadOnRankZeroAndGiveTheSameBits() throws {
    let lines = "abcdefghijklmnopqrstuvwxyz".map { letter in
      "\(letter)" + (0..<48).map { " \(Double($0 % 7) / 100 - 0.03)" }.joined()
    }
    try bench.write(lines.joined(separator: "\n"), to: "vectors.txt")
    let options = [
      "--set", "word_vectors={path: vectors.txt, trained: false}", "--steps", "8",
      "--set", "schedule={name: constant, warmup_steps: 2}",
    ]
    let alone = try bench.train("alone", options)
    #expect(try bench.train("two", options, ranks: 2).parametersSHA256 == alone.parametersSHA256)
    try bench.train("resumed", options + ["--steps", "3"], ranks: 3)
    #expect(
      try bench.train("resumed", options + ["--resume"]).parametersSHA256
        == alone.parametersSHA256)
    let shown = try bench.run(["train", "run.yaml"] + options)
    #expect(
      shown.output.contains(
        "vectors.txt, GloVe text, 26 words: vectors for 26 of 256 tokens, not trained"))
    let checked = try bench.run(["debug", "run.yaml", "--check-gradients"] + options)
    #expect(checked.exitCode == 0, "\(checked.output) \(checked.errorOutput)")
    try bench.write(lines[0] + "\nb 1 2 3\n", to: "vectors.txt")
    let refused = try bench.run(["train", "run.yaml", "--output", "new"] + options, ranks: 2)
    #expect(refused.exitCode == 2)
    #expect(refused.errorOutput.contains("vectors.txt: line 2: found 3 numbers after the word"))
    #expect(!bench.exists("new"))
  }
}
