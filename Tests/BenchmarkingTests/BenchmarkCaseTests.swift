import Foundation
import LockstepBenchmarking
import LockstepCommunication
import LockstepTraining
import Testing

@Suite struct BenchmarkCaseTests {
  @Test(arguments: BenchmarkCase.names)
  func builtInCasesAreValidConfigurations(name: String) throws {
    let benchmark = try #require(BenchmarkCase(named: name, ranks: 3))
    try benchmark.plan.validate(ranks: 3)
    #expect(benchmark.plan.batch.microbatches == 3)
    #expect(benchmark.name == name)
  }

  @Test func whatIsNeitherCaseNorFileIsTheUsersError() throws {
    #expect(BenchmarkCase(named: "huge", ranks: 1) == nil)
    let error = try #require(throws: AgreedError.self) {
      try BenchmarkCase("huge", communicator: SoloCommunicator())
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("tiny, small, gpt2, gpt2-long"))
  }

  /// - Parameter keys: Lines of YAML beside the model's.
  private func withConfiguration(
    _ keys: String = "", _ body: (_ path: String) throws -> Void
  ) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-benchmark-\(UUID().uuidString).yaml").path
    let yaml = """
      data: {train: nowhere.bin, validation: null, tokenizer: null}
      model: {layers: 1, heads: 1, width: 16, context: 8, vocabulary: 31}
      evaluate: {every: 0}
      \(keys)
      """
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func aConfigurationNeedsNoData() throws {
    try withConfiguration { path in
      let benchmark = try BenchmarkCase(path, communicator: SoloCommunicator())
      #expect(benchmark.vocabularyCount == 31)
      let result = try TrainingBenchmark(benchmark, steps: 1, communicator: SoloCommunicator())
      #expect(result.tokensPerSecond > 0)
    }
  }

  @Test func keysOfAConfigurationCanBeOverridden() throws {
    try withConfiguration { path in
      let benchmark = try BenchmarkCase(
        path, overrides: ["model.context=6", "batch.sequences=3"], communicator: SoloCommunicator())
      #expect(benchmark.context == 6 && benchmark.plan.batch.sequences == 3)
    }
    let error = try #require(throws: AgreedError.self) {
      try BenchmarkCase("tiny", overrides: ["steps=3"], communicator: SoloCommunicator())
    }
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("tiny is a built-in case"), "\(error)")
  }

  @Test(arguments: [
    ("loss.name: distillation", "loss: {name: distillation, teacher: nowhere}"),
    ("freeze", "freeze: ['*.bias']"),
    ("privacy", "privacy: {noise: 1, clip: 1, delta: 1e-5, key_file: key}"),
  ])
  func whatAStepOnSyntheticTokensDoesNotHaveIsRefused(key: String, keys: String) throws {
    try withConfiguration(keys) { path in
      let benchmark = try BenchmarkCase(path, communicator: SoloCommunicator())
      let error = try #require(throws: AgreedError.self) {
        try TrainingBenchmark(benchmark, steps: 1, communicator: SoloCommunicator())
      }
      #expect(error.exitCode == .usage)
      #expect("\(error)".contains("would not have the work of \(key)"), "\(error)")
    }
  }
}
