import Foundation
import LockstepCommunication
import LockstepOptimization
import LockstepSettings
import LockstepTensors
import LockstepTraining
import Testing

/// Every method gives the same bits on any number of ranks, and goes on from a checkpoint of any
/// other number.
@Suite struct OptimizersOnRanksTests {
  /// Keys of the `optimizer` section.
  private static let methods = [
    "name: sgd, momentum: 0.9, nesterov: true, learning_rate: 0.01",
    "name: adamw",
    "name: nadam, clip_adaptive: 0.05, l1: 1e-4, clip_value: 0.01",
    "name: lamb",
    "name: adafactor, learning_rate: 0.01",
    "name: muon, groups: [{parameters: \"*.bias\", rate: 0.5}, {parameters: \"last.*\", weight_decay: 0}]",
    "name: shampoo, interval: 2, largest_side: 300",
    "name: lbfgs, history: 3, clip_norm: 0, learning_rate: 0.1",
  ]

  private func configuration(
    _ optimizer: String, evaluateEvery: Int = 0, extra: String = ""
  ) throws -> RunConfiguration {
    try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {microbatches: 5}
        steps: 6
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: \(evaluateEvery)}
        model: {vocabulary: 10}
        optimizer: {\(optimizer)}
        \(extra)
        """, source: "test")
  }

  private func train(
    _ configuration: RunConfiguration, ranks: Int, ranksPerHost: Int? = nil, steps: Int = 6,
    threads: Int = 1, directory: RunDirectory? = nil, start: Trainer.Start = .beginning
  ) throws -> [String] {
    try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      var configuration = configuration
      configuration.steps = steps
      let trainer = try Trainer(
        task: DeepRegression(isFullBatch: configuration.optimizer.method.variantName == "lbfgs"),
        configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: threads), directory: directory, start: start,
        observers: [])
      _ = try trainer.run()
      return trainer.parametersHash
    }
  }

  @Test(arguments: methods) func bitsDoNotDependOnTheRanks(optimizer: String) throws {
    let configuration = try configuration(optimizer)
    let alone = try train(configuration, ranks: 1)[0]
    for (ranks, ranksPerHost, threads) in [(2, 2, 1), (3, 3, 2), (4, 2, 1)] {
      let hashes = try train(
        configuration, ranks: ranks, ranksPerHost: ranksPerHost, threads: threads)
      #expect(hashes.allSatisfy { $0 == alone }, "\(optimizer) on \(ranks) ranks")
    }
  }

  @Test(arguments: methods) func aRunGoesOnOnOtherRanks(optimizer: String) throws {
    let configuration = try configuration(optimizer)
    let whole = try train(configuration, ranks: 1)[0]
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    _ = try train(configuration, ranks: 3, steps: 3, directory: directory)
    let resumed = try train(
      configuration, ranks: 2, directory: directory, start: .newestCheckpoint)
    #expect(resumed[0] == whole, "\(optimizer)")
    #expect(resumed[0] != (try train(configuration, ranks: 1, steps: 3)[0]))
  }

  /// In double precision, which parameters hardly show.
  @Test(arguments: 1...4) func sumsOverAllRanksFollowTheBlocks(seed: Int) throws {
    func firstRate(ranks: Int) throws -> String {
      try InProcessGroup(size: ranks).run { communicator in
        var configuration = try configuration("name: lbfgs, clip_norm: 0, learning_rate: 0.1")
        configuration.seed = seed
        configuration.steps = 1
        let trainer = try Trainer(
          task: DeepRegression(), configuration: configuration, communicator: communicator,
          observers: [])
        _ = try trainer.run()
        return try trainer.step.notes["lbfgs_last_rate"] ?? ""
      }[0]
    }
    let alone = try firstRate(ranks: 1)
    #expect((Double(alone) ?? 1) < 0.1)
    for ranks in 2...4 { #expect(try firstRate(ranks: ranks) == alone) }
  }

  @Test func averagesAndBestWeightsGoOnOnOtherRanks() throws {
    for extra in ["", "early_stopping: {patience: 100}"] {
      let configuration = try configuration(
        "name: adamw", evaluateEvery: 2,
        extra: "average: {name: exponential, decay: 0.5}\n\(extra)\n")
      let whole = try train(configuration, ranks: 1)[0]
      let folder = try TemporaryFolder()
      let directory = RunDirectory(path: folder.path)
      _ = try train(configuration, ranks: 3, steps: 4, directory: directory)
      let resumed = try train(
        configuration, ranks: 2, directory: directory, start: .newestCheckpoint)
      #expect(resumed[0] == whole, "\(extra)")
    }
  }

  @Test func aGroupThatMatchesNothingIsRefused() throws {
    let configuration = try configuration("groups: [{parameters: \"nothing.*\"}]")
    let error = #expect(throws: AgreedError.self) { try train(configuration, ranks: 1) }
    #expect(error?.exitCode == .usage)
    #expect("\(try #require(error))".contains("nothing.*"))
  }

  @Test func initialisersAreChosenByName() throws {
    let rules = "initialization: [{parameters: \"first.*\", method: zeros}]"
    let trainer = try Trainer(
      task: DeepRegression(), configuration: configuration("name: adamw", extra: rules),
      communicator: SoloCommunicator(), observers: [])
    for entry in trainer.replica.parameters.entries {
      let isZero = trainer.replica.shared.values[entry.range].allSatisfy { $0 == 0 }
      #expect(isZero == entry.name.hasPrefix("first."), "\(entry.name)")
    }
  }
}
