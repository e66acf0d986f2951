import Foundation
import TestSupport
import Testing

/// The scripts of Benchmarks/ as far as they go without measuring, with Python's standard library.
@Suite final class BenchmarkScriptTests {
  private let benchmarks = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Benchmarks")
  /// Where the scripts run.
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-benchmarks-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Runs a program to its end, which leaves no compiled modules behind.
  private func run(_ command: [String]) throws -> RunningCommand.Ending {
    let ending = try RunningCommand(
      ["PYTHONDONTWRITEBYTECODE=1"] + command, in: folder, timeout: .seconds(60)
    ).wait()
    #expect(!ending.timedOut, "\(command)")
    return ending
  }

  /// Runs a script of Benchmarks/.
  ///
  /// - Parameter line: Its name and its arguments, between spaces.
  private func run(script line: String) throws -> RunningCommand.Ending {
    let words = line.split(separator: " ").map(String.init)
    return try run([benchmarks.appendingPathComponent(words[0]).path] + words.dropFirst())
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
  }

  @Test(arguments: [
    "compare.sh --case huge", "compare.sh --layout 2", "compare.sh --layout 64x64",
    "compare.sh --pairs 0", "compare.sh --pair 3", "compare.sh --json .",
    "compare.sh --json object.json", "compare.sh --plan extra",
    "others.sh everything", "others.sh startup --rounds many", "others.sh --json object.json",
    "translation.sh --steps 0", "translation.sh --threads 4096", "translation.sh extra",
    "translation.sh --output object.json", "fine-tuning.sh --threads 4096",
    "fine-tuning.sh --weights int3",
  ])
  func wrongArgumentsGetOneLineAndExitCodeTwo(_ line: String) throws {
    try write("{}", to: "object.json")
    let ending = try run(script: line)
    #expect(ending.exitCode == 2)
    #expect(ending.output == "")
    let script = line.prefix { $0 != " " }
    #expect(ending.errorOutput.hasPrefix("\(script): "), "\(ending.errorOutput)")
    #expect(ending.errorOutput.split(separator: "\n").count == 1, "\(ending.errorOutput)")
  }

  @Test(arguments: [
    (
      "compare.sh --plan --case tiny --layout 1x1 --pairs 3",
      "tiny; layouts 1x1; 3 pairs each: about "
    ),
    ("others.sh startup --plan --json new.json", "startup; 5 rounds each"),
    (
      "translation.sh --steps 20 --threads 1 --lines 5 --output new --plan",
      "translate-en-fr.yaml: 20 steps on 1 cores, PyTorch for the same time; 5 lines with 4 beams"
    ),
  ])
  func aPlanIsPrintedAndNothingMeasured(_ line: String, _ plan: String) throws {
    let ending = try run(script: line)
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    #expect(ending.output.hasPrefix(plan), "\(ending.output)")
    #expect(ending.output.split(separator: "\n").count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func theTablesOfTheDocumentationAreThoseOfTheResults() throws {
    let documentation = benchmarks.deletingLastPathComponent().appendingPathComponent("docs")
    let pages = ["benchmarks.md", "translation.md"]
    for page in pages {
      try FileManager.default.copyItem(
        at: documentation.appendingPathComponent(page), to: folder.appendingPathComponent(page))
    }
    let results = benchmarks.appendingPathComponent("results").path
    let files = try FileManager.default.contentsOfDirectory(atPath: results).sorted()
      .filter { $0.hasSuffix(".json") }
    try #require(!files.isEmpty)
    let ending = try run(
      [benchmarks.appendingPathComponent("table.py").path]
        + pages.flatMap { ["--update", $0] } + files.map { "\(results)/\($0)" })
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    for page in pages {
      let stored = try String(
        contentsOf: documentation.appendingPathComponent(page), encoding: .utf8)
      #expect(try text(page) == stored)
    }
  }

  @Test func aTableIsReplacedAndOneWithoutAPlaceRefused() throws {
    let (begin, end) = ("<!-- begin table translation -->", "<!-- end table translation -->")
    let page = "before\n\(begin)\nold\n\(end)\nafter\n"
    try write(page, to: "page.md")
    try write("none\n", to: "other.md")
    try write(
      """
      [{"benchmark": "translation", "beams": 4, "seconds": 1800.4, "lockstep_steps": 10000,
        "lockstep_tokens_per_second": 4321.9, "scores": [
          {"system": "the source, copied", "bleu": 5.04, "chrf": 20},
          {"system": "Lockstep", "bleu": 41.96, "chrf": 60.25}]}]
      """, to: "results.json")
    let refused = try run(script: "table.py --update other.md results.json")
    #expect(refused.exitCode == 1)
    #expect(refused.errorOutput.contains("0 places for the table translation"))
    #expect(try text("other.md") == "none\n")
    let ending = try run(script: "table.py --update other.md --update page.md results.json")
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    let updated = try text("page.md")
    #expect(!updated.contains("old"))
    #expect(updated.contains("| the source, copied | 5.0 | 20.0 |"), "\(updated)")
    #expect(
      updated.contains("| Lockstep | 42.0 | 60.2 | 4 | 10,000 | 4,322 | 1,800 s |"), "\(updated)")
    #expect(updated.hasPrefix("before\n") && updated.hasSuffix("\nafter\n"))
  }

  /// What both `compare.sh` and the parts of `others.sh` train.
  @Test func theConfigurationsOfTheBenchmarksTrain() throws {
    let program = """
      import sys
      sys.path.insert(0, sys.argv[1])
      from pathlib import Path
      from measuring.bench import Bench
      print(Bench(Path("lockstep"), Path.cwd(), 1).training("tiny", steps=2)[1])
      """
    let made = try run(["python3", "-c", program, benchmarks.path])
    try #require(made.exitCode == 0, "\(made.errorOutput)")
    let path = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let ending = try run(
      [MPIRunner.product("lockstep").path, "train", path, "--output", "run", "--quiet"])
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
  }

  /// The configuration's data are named from there.
  @Test func translationTrainsInTheRepository() throws {
    try write("#!/bin/sh\npwd >>'\(folder.path)/places'\n", to: "lockstep")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755],
      ofItemAtPath: folder.appendingPathComponent("lockstep").path)
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("run"), withIntermediateDirectories: true)
    let program = """
      import sys
      from argparse import Namespace
      from pathlib import Path
      sys.path.insert(0, sys.argv[1])
      import translation
      try:
          translation.train(Namespace(steps=None, threads=1), Path("lockstep").absolute(), Path("run"))
      except FileNotFoundError:
          pass  # The stand-in writes no summary.
      """
    let ending = try run(["python3", "-c", program, benchmarks.path])
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    #expect(try text("places") == benchmarks.deletingLastPathComponent().path + "\n")
  }

  @Test func resultsMeasuredInPartsAreKeptTogether() throws {
    let program = """
      import sys
      sys.path.insert(0, sys.argv[1])
      from measuring.results import ResultsFile
      for name, speed in [("a", 1), ("b", 2), ("a", 3)]:
          ResultsFile.argument("name")("results.json").store({"name": name, "speed": speed})
      """
    let ending = try run(["python3", "-c", program, benchmarks.path])
    #expect(ending.exitCode == 0, "\(ending.errorOutput)")
    struct Result: Decodable, Equatable {
      let name: String
      let speed: Int
    }
    #expect(
      try JSONDecoder().decode([Result].self, from: Data(text("results.json").utf8)) == [
        Result(name: "a", speed: 3), Result(name: "b", speed: 2),
      ])
  }

  /// A run records evaluations, samples and ranks beside its steps.
  @Test func onlyStepsAreTimed() throws {
    try write(
      """
      {"step":1,"loss":5,"tokens":10,"seconds":9}
      {"step":2,"loss":4,"tokens":20,"seconds":10}
      {"step":2,"validation_loss":4,"validation_tokens":7,"evaluation_seconds":3}
      {"step":3,"loss":3,"tokens":30,"seconds":12}
      {"step":3,"samples":[]}
      {"step":4,"loss":3,"tok
      """, to: "metrics.jsonl")
    let program = """
      import sys
      from pathlib import Path
      sys.path.insert(0, sys.argv[1])
      from measuring import steps
      path = Path("metrics.jsonl")
      print(steps.step_count(path), steps.speed(path, 1), steps.step_count(Path("none")))
      """
    let ending = try run(["python3", "-c", program, benchmarks.path])
    #expect(
      ending.output == "3 Speed(seconds_per_step=1.5, tokens_per_step=10) 0\n",
      "\(ending.output)\(ending.errorOutput)")
  }

  @Test func translationsAreMadeAnewAndAnotherTrainingIsRefused() throws {
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("run/lockstep"), withIntermediateDirectories: true)
    let line = "translation.sh --plan --output run --threads 1"
    let unknown = try run(script: line)
    #expect(unknown.exitCode == 2 && unknown.errorOutput.contains("no options.json"))
    try write(
      #"{"steps": 20, "threads": 1, "beams": 4, "lines": null}"#, to: "run/options.json")
    #expect(try run(script: "\(line) --steps 20 --beams 2 --lines 3").exitCode == 0)
    let refused = try run(script: "\(line) --steps 21")
    #expect(refused.exitCode == 2)
    #expect(
      refused.errorOutput.contains("was made with --steps 20, and this is --steps 21"),
      "\(refused.errorOutput)")
    #expect(refused.errorOutput.contains("name another --output, or remove this one"))
  }
}
