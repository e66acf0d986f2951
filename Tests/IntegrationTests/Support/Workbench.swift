import Foundation
import LockstepReporting
import TestSupport
import Testing

/// A folder with a small data set and a small configuration, in which `lockstep` runs as a user
/// would run it; removed with this object.
///
/// Paths are relative to it. `data/` holds a text of 57 KB in bytes: 257 tokens.
final class Workbench {
  let folder: URL

  /// - Parameter text: What to learn. Default: 800 sentences of words without meaning.
  init(text: String = Workbench.sentences(count: 800)) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write(text, to: "text.txt")
    let ending = try run(["prepare", "text.txt", "--output", "data", "--tokenizer", "bytes"])
    try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    try write(Self.configuration, to: "run.yaml")
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// A GPT with dropout whose step takes some ten milliseconds.
  static let configuration = """
    data: {train: data/train.bin, validation: data/validation.bin, tokenizer: data/tokenizer.json}
    model: {architecture: gpt, layers: 2, heads: 2, width: 48, context: 48, dropout: 0.1}
    batch: {sequences: 2, microbatches: 8}
    optimizer: {name: adamw, learning_rate: 1e-2}
    schedule: {name: cosine, warmup_steps: 5}
    steps: 50
    evaluate: {every: 20, batches: 4}
    checkpoint: {every: 4, keep: 3}
    """

  /// Overrides for a model that is as small as can be: a step takes a millisecond.
  static let tiny = [
    "--set", "model={architecture: gpt, layers: 1, heads: 2, width: 16, context: 16}",
  ]

  /// Sentences of twelve words each, always the same.
  static func sentences(count: Int) -> String {
    var generator = SeededGenerator(seed: 1)
    let letters = Array("etaoinshrdlu")
    let words = (0..<200).map { _ in
      String(
        (0..<Int.random(in: 2...8, using: &generator)).map { _ in
          letters[Int.random(in: 0..<letters.count, using: &generator)]
        })
    }
    return (0..<count).map { _ in
      (0..<12).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }
        .joined(separator: " ") + ".\n"
    }.joined()
  }

  // MARK: - Running

  /// Starts `lockstep`, by itself or under `mpirun`.
  ///
  /// - Parameters:
  ///   - ranks: For `mpirun`; nil starts one process without it.
  ///   - timeout: When it is killed. Default: 60 seconds.
  ///   - input: What it reads from standard input. Default: nothing.
  func start(
    _ arguments: [String], ranks: Int? = nil, timeout: Duration = .seconds(60),
    input: String? = nil
  ) throws -> RunningCommand {
    let launcher = ranks.map { ["mpirun"] + MPIRunner.launch(ranks: $0, in: folder) }
    let lockstep = try MPIRunner.product("lockstep").path
    return try RunningCommand(
      (launcher ?? []) + [lockstep] + arguments, in: folder, timeout: timeout, input: input)
  }

  /// Runs `lockstep` to its end.
  func run(
    _ arguments: [String], ranks: Int? = nil, timeout: Duration = .seconds(60),
    input: String? = nil
  ) throws -> RunningCommand.Ending {
    let ending = try start(arguments, ranks: ranks, timeout: timeout, input: input).wait()
    #expect(!ending.timedOut, "\(arguments) took \(ending.duration): \(ending.errorOutput)")
    return ending
  }

  /// Trains `run.yaml` quietly to the end.
  ///
  /// - Parameters:
  ///   - output: The run's directory.
  ///   - options: Further arguments.
  /// - Returns: The run's summary.
  @discardableResult
  func train(
    _ output: String, _ options: [String] = [], ranks: Int? = nil
  ) throws -> RunSummary {
    let ending = try run(
      ["train", "run.yaml", "--quiet", "--output", output] + options, ranks: ranks)
    try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    return try summary(output)
  }

  // MARK: - Files

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  func summary(_ run: String) throws -> RunSummary {
    try RunSummary.load(from: path(run + "/summary.json"))
  }

  /// The steps of `metrics.jsonl`'s lines with a training loss, in their order.
  func recordedSteps(_ run: String) throws -> [Int] {
    struct Line: Decodable {
      let step: Int
      let loss: Double?
    }
    return try text(run + "/metrics.jsonl").split(separator: "\n").compactMap {
      let line = try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      return line.loss == nil ? nil : line.step
    }
  }

  /// Paths and contents of all files below a folder: equal when nothing was written over.
  func contents(of name: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: path(name)) {
      files[path] = FileManager.default.contents(atPath: self.path(name) + "/" + path)
    }
    return files
  }
}
