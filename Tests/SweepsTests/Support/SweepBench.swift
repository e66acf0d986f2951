import Foundation
import LockstepCommunication
import LockstepSweeps
import LockstepTraining
import TestSupport
import Testing

/// A folder with a small table and a small configuration, on which sweeps are made in this process;
/// removed with this object. Paths in its files are absolute.
final class SweepBench: Sendable {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-sweep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var generator = SeededGenerator(seed: 4)
    for (name, count) in [("train", 60), ("test", 24)] {
      let rows = (0..<count).map { _ in
        let (x, y) = (
          Double.random(in: -2...2, using: &generator), Double.random(in: -1...1, using: &generator)
        )
        return "\(x),\(y),\(3 * x - y + 1)"
      }
      try write("x,y,z\n" + rows.joined(separator: "\n") + "\n", to: "\(name).csv")
    }
    try write(configuration, to: "run.yaml")
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// A model as another program has saved it.
  static func foreignModel(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/ForeignModels").appending(path: name)
  }

  /// A plane by gradient descent, whose rate falls over the run.
  private var configuration: String {
    """
    task: regression
    data: {format: csv, train: \(path("train.csv")), validation: \(path("test.csv")), target: z}
    model: {architecture: linear}
    batch: {sequences: 3, microbatches: 4}
    optimizer: {name: adamw, learning_rate: 1e-2}
    schedule: {name: cosine, warmup_steps: 2}
    steps: 36
    evaluate: {every: 12, batches: 1}
    checkpoint: {every: 10, keep: 2}
    """
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Makes a sweep with ranks that are threads.
  ///
  /// - Parameters:
  ///   - sweep: YAML, without `base`.
  ///   - output: The sweep's directory in this folder.
  /// - Returns: What every rank ended with.
  @discardableResult
  func sweep(
    _ sweep: String, to output: String, ranks: Int = 1, ranksPerHost: Int? = nil,
    groups: Int = 1, resume: Bool = false, overrides: [String] = [],
    stop: StopRequest = StopRequest()
  ) throws -> [ExitCode] {
    let file = "\(output).yaml"
    try write("base: \(path("run.yaml"))\n" + sweep, to: file)
    let (source, directory) = (path(file), path(output))
    @Sendable func make(_ communicator: any Communicator) throws -> ExitCode {
      try Sweep(
        path: source, overrides: overrides, groups: groups, communicator: communicator,
        mode: "test", output: directory, resume: resume, console: .quiet
      ).run(until: stop)
    }
    if ranks == 1 { return [try make(SoloCommunicator())] }
    return try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run(make)
  }

  /// `sweep.json` without what a clock has measured.
  func report(_ output: String) throws -> String {
    try text(output + "/sweep.json").split(separator: "\n")
      .filter { !$0.contains("\"seconds\"") }.joined(separator: "\n")
  }

  /// `sweep.json`.
  func json(_ output: String) throws -> Report {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(try text(output + "/sweep.json").utf8))
  }

  struct Report: Decodable {
    struct Trial: Decodable {
      let trial: Int
      let state: String
      let reason: String?
      let metric: Double?
      let deviation: Double?
      let rungs: [Rung]
      let runs: [Run]
    }
    struct Rung: Decodable {
      let steps: Int
      let metric: Double
    }
    struct Run: Decodable {
      let directory: String
      let fold: Int?
      let measured: [String: Double]?
      let parametersSha256: String?
    }
    struct RangeTest: Decodable {
      struct Point: Decodable {
        let learningRate: Double
        let loss: Double
      }
      let points: [Point]
      let lowest: Double?
      let steepest: Double?
    }
    let state: String
    let goal: String
    let ranking: [Int]
    let trials: [Trial]
    let rangeTest: RangeTest?
  }

  /// The parameters of a run of the configuration by itself, trained in one go.
  func train(_ overrides: [String]) throws -> String {
    let configuration = try RunConfiguration.load(path: path("run.yaml"), overrides: overrides)
    let output = path("alone-\(UUID().uuidString)")
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: RunDirectory(path: output), resume: false)
    try run.attach(console: .quiet)
    #expect(try run.run(until: StopRequest()) == .success)
    return run.trainer.parametersHash
  }
}
