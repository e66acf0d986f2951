import Foundation
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepReporting
import LockstepSettings
import LockstepTensors
import LockstepTraining
import Testing

/// What a run does beside its steps: it stops early, averages, skips, and falls on plateaus.
@Suite struct RunControlTests {
  private func configuration(_ yaml: String, steps: Int) throws -> RunConfiguration {
    var configuration = try RunConfiguration.parse(
      yaml: """
        batch: {microbatches: 5}
        model: {vocabulary: 10}
        data: {tokenizer: null}
        checkpoint: {every: 0}
        \(yaml)
        """, source: "test")
    configuration.steps = steps
    return configuration
  }

  private static let plain = """
    optimizer: {name: sgd, learning_rate: 0.05}
    schedule: {name: constant}
    evaluate: {every: 1}

    """

  private struct Outcome: Sendable {
    var hash = ""
    var weights: [Float] = []
    var steps = 0
    var rates: [Double] = []
    var notices: [String] = []
    var isDone = false
  }

  /// Trains the regression.
  private func train(
    _ yaml: String, steps: Int, ranks: Int = 1, scripted: [Float]? = nil,
    spoiling spoiled: Int? = nil, directory: RunDirectory? = nil,
    start: Trainer.Start = .beginning
  ) throws -> Outcome {
    let configuration = try configuration(yaml, steps: steps)
    return try InProcessGroup(size: ranks).run { communicator in
      let regression = LinearRegression { loss, step, _ in
        step + 1 == spoiled ? loss * 1e6 : loss
      }
      let task: any TrainingTask = scripted.map { ScriptedTask(regression, $0) } ?? regression
      let trainer = try Trainer(
        task: task, configuration: configuration, communicator: communicator,
        directory: directory, start: start, observers: [])
      let recorder = EventRecorder()
      trainer.attach(recorder)
      _ = try trainer.run()
      var outcome = Outcome()
      outcome.hash = trainer.parametersHash
      let linear = regression.plane.linear
      outcome.weights = linear.weight.tensor.elements + (linear.bias?.tensor.elements ?? [])
      outcome.steps = trainer.stepsTaken
      outcome.isDone = trainer.isDone
      for event in recorder.events {
        switch event {
        case .step(let record): outcome.rates.append(record.learningRate)
        case .notice(let text): outcome.notices.append(text)
        default: break
        }
      }
      return outcome
    }[0]
  }

  /// The regression, with evaluations that come out as told.
  private final class ScriptedTask: TrainingTask {
    private let task: LinearRegression
    private var losses: [Float]

    init(_ task: LinearRegression, _ losses: [Float]) {
      self.task = task
      self.losses = losses.reversed()
    }

    var model: any Module { task.model }
    let evaluationBatchCount = 1

    func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
      task.loss(step: step, microbatch: microbatch, in: workspace)
    }

    func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
      BatchLoss(
        sum: Tensor([losses.popLast() ?? 9], shape: [1], in: workspace).sum(), targetCount: 1)
    }
  }

  // MARK: - Early stopping

  @Test func aRunThatNoLongerImprovesEndsWithItsBestWeights() throws {
    let stopping = Self.plain + "early_stopping: {patience: 3, min_improvement: 0.1}"
    let found = try train(stopping, steps: 20, scripted: [5, 4, 3, 2.95, 2.92, 2.93])
    #expect(found.steps == 6)
    #expect(found.isDone)
    #expect(found.hash == (try train(Self.plain, steps: 3).hash))
    #expect(
      found.notices == ["no evaluation improved on that of step 3: the run ends with its weights"])
  }

  @Test func aRunThatGoesToItsEndEndsWithItsBestWeightsToo() throws {
    let stopping = Self.plain + "early_stopping: {patience: 50}"
    let found = try train(stopping, steps: 4, scripted: [5, 2, 3, 4])
    #expect(found.steps == 4)
    #expect(found.hash == (try train(Self.plain, steps: 2).hash))
    let last = try train(stopping, steps: 4, scripted: [5, 2, 3, 1])
    #expect(last.hash == (try train(Self.plain, steps: 4).hash), "the last step is judged as well")
  }

  @Test func evaluationsThatAreNotFiniteCountAsTheWorst() throws {
    let stopping = Self.plain + "early_stopping: {patience: 3}"
    let found = try train(
      stopping, steps: 20, scripted: [.nan, .infinity, 4, 3, .nan, -.infinity, 3.5])
    #expect(found.steps == 7)
    #expect(found.hash == (try train(Self.plain, steps: 4).hash))
    #expect(found.notices.count { $0.contains("counts as worse than any other") } == 4)
    #expect(found.notices.contains { $0.hasPrefix("the validation loss of step 2 is infinite") })
    let never = try train(stopping, steps: 20, scripted: [.nan, .nan, .nan])
    #expect(never.steps == 3)
    #expect(never.hash == (try train(Self.plain, steps: 3).hash))
    #expect(
      never.notices.contains(
        "no evaluation had a finite loss: the run ends with the weights that it has"))
  }

  @Test func aRunThatStoppedEarlyIsDone() throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let stopping = Self.plain + "early_stopping: {patience: 1}"
    let first = try train(stopping, steps: 20, scripted: [5, 4, 6], directory: directory)
    #expect(first.steps == 3)
    let resumed = try train(
      stopping, steps: 20, scripted: [1, 1, 1], directory: directory, start: .newestCheckpoint)
    #expect(resumed.steps == 3)
    #expect(resumed.hash == first.hash)
  }

  @Test func goingByEvaluationsNeedsSome() throws {
    for keys in ["early_stopping: {patience: 2}", "schedule: {name: plateau}"] {
      let error = #expect(throws: ConfigurationError.self) {
        try configuration(keys + "\nevaluate: {every: 0}", steps: 5)
      }
      #expect("\(String(describing: error))".contains("evaluate.every"))
    }
  }

  @Test func whatDecidesARunDependsOnWhetherItGoesByEvaluations() throws {
    let watching = try configuration(Self.plain, steps: 5)
    #expect(!watching.identity.contains("evaluate.every"))
    let stopping = try configuration(Self.plain + "early_stopping: {patience: 2}", steps: 5)
    #expect(stopping.identity.contains("evaluate.every: 1"))
    #expect(stopping.identity.contains("data.validation: "))
    #expect(!stopping.identity.contains("model.recompute"))
    #expect(!stopping.identity.contains("checkpoint.every"))
    #expect(!stopping.identity.contains("threads"))
  }

  @Test(arguments: ["early_stopping: {patience: 2}", "schedule: {name: plateau}"])
  func heldOutLabelsDecideARunThatGoesByEvaluations(keys: String) throws {
    func configuration(_ labels: String, _ keys: String) throws -> RunConfiguration {
      try .parse(
        yaml: """
          task: classification
          data: {format: idx, validation: images, validation_labels: \(labels)}
          model: {architecture: linear}
          \(keys)
          """, source: "test")
    }
    func differences(_ keys: String) throws -> [String] {
      try configuration("other", keys).differences(from: configuration("labels", keys)).map(\.key)
    }
    #expect(try differences(keys) == ["data.validation_labels"])
    #expect(try differences("seed: 1") == [])
  }

  // MARK: - Averaging

  @Test func theResultIsTheAverageOfTheSteps() throws {
    let weights = try (1...4).map { try train(Self.plain, steps: $0).weights }
    func expect(_ keys: String, _ shares: [Float], line: Int = #line) throws {
      let found = try train(Self.plain + "average: {\(keys)}", steps: 4).weights
      for element in found.indices {
        let expected = zip(shares, weights).reduce(Float(0)) { $0 + $1.0 * $1.1[element] }
        #expect(abs(found[element] - expected) < 1e-5, "\(keys)")
      }
    }
    // Kept are 2/11, 3/12 and then, since 4/13 is more, 0.3.
    try expect(
      "name: exponential, decay: 0.3",
      [2 / 11 * 0.25 * 0.3, 9 / 11 * 0.25 * 0.3, 0.75 * 0.3, 0.7])
    try expect("name: stochastic, every: 1, start: 1", [0, 1 / 3, 1 / 3, 1 / 3])
  }

  @Test func aLongerRunGoesOnFromTheTrainedWeightsNotFromTheirAverage() throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let averaging = Self.plain + "average: {name: exponential, decay: 0.9}"
    let whole = try train(averaging, steps: 9)
    _ = try train(averaging, steps: 4, ranks: 2, directory: directory)
    let resumed = try train(
      averaging, steps: 9, directory: directory, start: .newestCheckpoint)
    #expect(resumed.hash == whole.hash)
    #expect(whole.hash != (try train(Self.plain, steps: 9).hash))
  }

  // MARK: - Outliers

  @Test func anOutlierChangesNothing() throws {
    let skipping = """
      optimizer: {name: sgd, learning_rate: 0.001, skip_above: 8, skip_window: 10}
      schedule: {name: constant}

      """
    let found = try train(skipping, steps: 15, spoiling: 15)
    #expect(found.notices.count == 1)
    #expect(found.notices[0].hasPrefix("step 15 changed nothing: its loss of "))
    #expect(found.hash == (try train(skipping, steps: 14).hash))
    // On other ranks and from a checkpoint just the same.
    let whole = try train(skipping, steps: 20, spoiling: 15)
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    _ = try train(skipping, steps: 13, ranks: 2, directory: directory)
    let resumed = try train(
      skipping, steps: 20, ranks: 3, spoiling: 15, directory: directory,
      start: .newestCheckpoint)
    #expect(resumed.hash == whole.hash)
    #expect(resumed.notices.count == 1)
  }

  // MARK: - Plateaus

  private static let falling = """
    optimizer: {name: sgd, learning_rate: 0.1}
    schedule: {name: plateau, patience: 1, decay: 0.5, min_improvement: 0.5}
    evaluate: {every: 2}

    """

  @Test func theRateFallsOnPlateaus() throws {
    let found = try train(Self.falling, steps: 10, scripted: [4, 1, 0.9, 0.8, 0.1])
    // Two evaluations without improvement, after steps 6 and 8.
    #expect(found.rates == [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
  }

  @Test func aResumedRunFallsOnTheSamePlateaus() throws {
    let whole = try train(Self.falling, steps: 40)
    #expect((whole.rates.last ?? 1) < 0.1)
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    // One of the stops is where an evaluation is due.
    _ = try train(Self.falling, steps: 12, ranks: 2, directory: directory)
    _ = try train(
      Self.falling, steps: 17, ranks: 1, directory: directory, start: .newestCheckpoint)
    let resumed = try train(
      Self.falling, steps: 40, ranks: 3, directory: directory, start: .newestCheckpoint)
    #expect(resumed.hash == whole.hash)
    #expect(Array(whole.rates[17...]) == resumed.rates)
  }
}
