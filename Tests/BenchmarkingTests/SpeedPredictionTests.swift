import Foundation
import LockstepBenchmarking
import LockstepCommunication
import LockstepReporting
import LockstepTraining
import Testing

/// What `doctor` predicts is measured, whole, the same on all ranks, and compared with the right runs.
@Suite(.serialized) struct SpeedPredictionTests {
  private static let yaml = """
    data: {train: nowhere.bin, validation: null, tokenizer: null}
    model: {layers: 2, heads: 1, width: 64, context: 8, vocabulary: 31}
    batch: {sequences: 2, microbatches: 8}

    """

  /// Lets ranks predict the speed of a configuration with further lines.
  private func predict(
    _ lines: String = "", ranks: Int, ranksPerHost: Int? = nil
  ) throws -> [SpeedPrediction] {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-prediction-\(UUID().uuidString).yaml").path
    try (Self.yaml + lines).write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      let benchmark = try BenchmarkCase(path, communicator: communicator)
      return try SpeedPrediction(
        benchmark, links: HostLink.measureAll(communicator), seconds: 0.02,
        communicator: communicator)
    }
  }

  @Test func twoHostsPredictUpToTheMicrobatches() throws {
    let all = try predict(ranks: 2, ranksPerHost: 1)
    let first = try #require(all.first)
    #expect(first.steps.map(\.ranks) == [1, 2, 4, 8] && first.steps.map(\.hosts) == [1, 2, 4, 8])
    #expect(first.ofThisJob?.ranks == 2)
    #expect(first.tokensPerStep == 8 * 2 * 8)
    for step in first.steps {
      #expect(step.computeSeconds > 0 && step.optimizerSeconds > 0 && step.seconds < 100)
      #expect((step.networkSeconds > 0) == (step.hosts > 1))
      #expect(abs(step.tokensPerSecond * step.seconds / 128 - 1) < 1e-9)
    }
    #expect(all.allSatisfy { $0.steps == first.steps })
    let text = first.description
    for part in ["8 micro-batches, 128 tokens a step", "this job", "network"] {
      #expect(text.contains(part), "\(part) is missing in \(text)")
    }
  }

  @Test func eachNumberOfRanksOfAHostIsMeasured() throws {
    let prediction = try #require(try predict(ranks: 3).first)
    #expect(prediction.costs.map(\.ranks) == [1, 2, 3])
    #expect(prediction.steps.map(\.ranks) == [1, 2, 3])
    #expect(prediction.notices.contains { $0.hasPrefix("several hosts: start doctor on two") })
  }

  @Test func aStepWhoseWorkIsNotSeenIsRefused() throws {
    let error = try #require(throws: AgreedError.self) {
      try predict("freeze: [\"*bias\"]\n", ranks: 2)
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("would not have the work of freeze"), "\(error)")
  }

  @Test func anotherTaskIsRefused() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-prediction-\(UUID().uuidString).yaml").path
    try """
    task: regression
    data: {format: csv, train: a.csv, target: y}
    model: {architecture: mlp, hidden: [4]}
    """.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = try #require(throws: AgreedError.self) {
      try BenchmarkCase(path, communicator: SoloCommunicator())
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("task is regression, and its steps can not be timed"), "\(error)")
  }

  private func prediction() -> SpeedPrediction {
    let costs = HostCosts(
      ranks: 1, forwardSeconds: 0.1, backwardSeconds: 0.2, optimizerSeconds: 0.1, restSeconds: 0.1)
    let model = SpeedModel(
      microbatches: 1, tokensPerMicrobatch: 100, parameters: 1000, costs: [costs])
    return SpeedPrediction(name: "x", threads: 2, model, hosts: [0..<1])
  }

  private func summary(ranks: Int, threads: Int) -> RunSummary {
    RunSummary(
      steps: 7, tokens: 700, loss: 1, parametersSHA256: "", tokensPerSecond: 160, seconds: 4,
      ranks: ranks, threads: threads, parameters: 1000)
  }

  /// A directory with a run's summary.
  private func run(ranks: Int, threads: Int) throws -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-compared-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try summary(ranks: ranks, threads: threads).write(to: path + "/summary.json")
    return path
  }

  @Test func aRunIsComparedInPercentOfWhatItCameTo() throws {
    let run = try run(ranks: 1, threads: 2)
    defer { try? FileManager.default.removeItem(atPath: run) }
    try RunComparison.requireComparable(run, communicator: SoloCommunicator())
    let comparison = try RunComparison(
      of: run, with: prediction(), communicator: SoloCommunicator())
    // 100 tokens in half a second.
    #expect(abs(comparison.predictedTokensPerSecond - 200) < 1e-9)
    #expect(abs(comparison.errorPercent - 25) < 1e-9)
    #expect(
      comparison.description
        == "compared     \(run): 160 tokens/s in 7 steps; the prediction of 200 is 25.0 % too high")
  }

  @Test func aRunOnOtherRanksOrThreadsIsRefused() throws {
    let two = try run(ranks: 2, threads: 2)
    defer { try? FileManager.default.removeItem(atPath: two) }
    let ranks = try #require(throws: AgreedError.self) {
      try RunComparison.requireComparable(two, communicator: SoloCommunicator())
    }
    #expect(
      ranks.exitCode == .usage && "\(ranks)".contains("was trained on 2 ranks, and this is 1"))
    #expect(throws: RunComparisonError.otherThreads(run: "r", threads: 1, here: 2)) {
      try RunComparison(of: "r", summary(ranks: 1, threads: 1), with: prediction())
    }
  }

  @Test func aRunThatIsNotFinishedIsRefused() throws {
    let error = try #require(throws: AgreedError.self) {
      try RunComparison.requireComparable("/nowhere/run", communicator: SoloCommunicator())
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("/nowhere/run: holds no summary.json"))
  }
}
