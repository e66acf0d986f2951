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

  @Test func aConfigurationNeedsNoData() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-benchmark-\(UUID().uuidString).yaml").path
    let yaml = """
      data: {train: nowhere.bin, validation: null, tokenizer: null}
      model: {layers: 1, heads: 1, width: 16, context: 8, vocabulary: 31}
      """
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let benchmark = try BenchmarkCase(path, communicator: SoloCommunicator())
    #expect(benchmark.vocabularyCount == 31)
    let result = try TrainingBenchmark(benchmark, steps: 1, communicator: SoloCommunicator())
    #expect(result.tokensPerSecond > 0)
  }
}
