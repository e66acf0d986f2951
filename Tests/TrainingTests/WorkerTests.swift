import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepTensors
import LockstepTraining
import Synchronization
import Testing

/// Workers that seldom communicate are the configuration's: who plays them changes no bit.
@Suite struct WorkerTests {
  /// Keys of the `optimizer` section.
  private static let methods = [
    "name: sgd, momentum: 0.9, nesterov: true, learning_rate: 0.01",
    "name: adamw",
    "name: nadam, clip_adaptive: 0.05, l1: 1e-4, clip_value: 0.01",
    "name: muon, groups: [{parameters: \"*.bias\", rate: 0.5}]",
  ]

  /// Twelve micro-batches, rounds of three steps.
  private func configuration(
    _ optimizer: String = "name: adamw", synchronize: String = "every: 3, workers: 4",
    evaluateEvery: Int = 3, schedule: String = "name: constant", extra: String = ""
  ) throws -> RunConfiguration {
    try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {microbatches: 12}
        steps: 6
        schedule: {\(schedule)}
        checkpoint: {every: 0}
        evaluate: {every: \(evaluateEvery)}
        model: {vocabulary: 10}
        optimizer: {\(optimizer)}
        synchronize: {\(synchronize)}
        \(extra)
        """, source: "test")
  }

  /// - Parameter pause: Steps after which the run is left; nil: it goes to its end.
  private func train(
    _ configuration: RunConfiguration, ranks: Int, ranksPerHost: Int? = nil, pause: Int? = nil,
    threads: Int = 1, freezing: Bool = false, directory: RunDirectory? = nil,
    start: Trainer.Start = .beginning
  ) throws -> [String] {
    try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      let task = DeepRegression()
      if freezing { task.network.second.weight.freeze() }
      let trainer = try Trainer(
        task: task, configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: threads), directory: directory, start: start,
        observers: [])
      _ = try trainer.run(pausing: { step, _ in step == pause })
      return trainer.parametersHash
    }
  }

  @Test(arguments: methods) func bitsDoNotDependOnTheRanks(optimizer: String) throws {
    let configuration = try configuration(optimizer)
    let alone = try train(configuration, ranks: 1)[0]
    for (ranks, ranksPerHost, threads) in [(2, 1, 1), (3, 3, 2), (5, 2, 1), (8, 4, 1)] {
      let hashes = try train(
        configuration, ranks: ranks, ranksPerHost: ranksPerHost, threads: threads)
      #expect(hashes.allSatisfy { $0 == alone }, "\(optimizer) on \(ranks) ranks")
    }
  }

  @Test(
    arguments: [
      "every: 1, workers: 3", "every: 2, workers: 12, outer: {name: sgd, learning_rate: 1}",
      "every: 6, workers: 1",
    ], [ReductionMethod.canonicalBfloat16, .canonicalInt8]
  ) func noRoundDependsOnTheRanks(synchronize: String, reduction: ReductionMethod) throws {
    let configuration = try configuration(
      synchronize: synchronize, evaluateEvery: 0, extra: "reduction: \(reduction.rawValue)")
    let alone = try train(configuration, ranks: 1)[0]
    for (ranks, ranksPerHost) in [(2, 1), (7, 3), (12, 12)] {
      let hashes = try train(configuration, ranks: ranks, ranksPerHost: ranksPerHost)
      #expect(hashes.allSatisfy { $0 == alone }, "\(synchronize) on \(ranks) ranks")
    }
  }

  /// Whether more or fewer ranks than workers, on hosts that play one, several or none.
  @Test(
    arguments: ["every: 3, workers: 4", "every: 1, workers: 3", "every: 2, workers: 12"],
    ["density: 0.1", "density: 1, decay: 0.5, learning_rate: 0.8"])
  func noSparseRoundDependsOnTheRanks(synchronize: String, rule: String) throws {
    let configuration = try configuration(
      synchronize: "\(synchronize), outer: {name: sparseloco, \(rule)}", evaluateEvery: 0)
    let alone = try train(configuration, ranks: 1)[0]
    for (ranks, ranksPerHost, threads) in [(2, 1, 1), (3, 2, 2), (8, 3, 1)] {
      let hashes = try train(
        configuration, ranks: ranks, ranksPerHost: ranksPerHost, threads: threads)
      #expect(hashes.allSatisfy { $0 == alone }, "\(synchronize) on \(ranks) ranks")
    }
  }

  @Test(
    arguments: [
      (methods[1], "canonical-int8", "nesterov"), (methods[3], "canonical", "nesterov"),
      (methods[1], "canonical", "sparseloco"),
    ], [3, 4])
  func aRunGoesOnOnOtherRanksFromAnyStep(
    method: (optimizer: String, reduction: String, outer: String), pause: Int
  ) throws {
    let optimizer = method.optimizer
    let configuration = try configuration(
      optimizer, synchronize: "every: 3, workers: 4, outer: {name: \(method.outer)}",
      extra: "average: {name: exponential, decay: 0.5}\nreduction: \(method.reduction)")
    let whole = try train(configuration, ranks: 1)[0]
    for (before, after) in [(5, 2), (1, 8)] {
      let folder = try TemporaryFolder()
      let directory = RunDirectory(path: folder.path)
      let paused = try train(configuration, ranks: before, pause: pause, directory: directory)
      let resumed = try train(
        configuration, ranks: after, ranksPerHost: 2, directory: directory,
        start: .newestCheckpoint)
      #expect(resumed[0] == whole, "\(optimizer), \(before) ranks, then \(after)")
      #expect(paused[0] != whole)
    }
  }

  @Test func whatIsFrozenIsSharedByAllWorkers() throws {
    let configuration = try configuration(extra: "early_stopping: {patience: 100}")
    let alone = try train(configuration, ranks: 1, freezing: true)[0]
    for ranks in [3, 8] {
      let hashes = try train(configuration, ranks: ranks, ranksPerHost: 2, freezing: true)
      #expect(hashes.allSatisfy { $0 == alone }, "\(ranks) ranks")
    }
  }

  /// The second of three evaluations finds too little, and the last round goes on more slowly.
  @Test func aPlateauSlowsAllWorkers() throws {
    func configuration(_ schedule: String) throws -> RunConfiguration {
      try self.configuration(
        synchronize: "every: 2, workers: 4", evaluateEvery: 2, schedule: schedule)
    }
    let falling = try configuration(
      "name: plateau, patience: 0, decay: 0.1, min_improvement: 0.9")
    let alone = try train(falling, ranks: 1)[0]
    #expect(try train(falling, ranks: 3)[1] == alone)
    #expect(try train(configuration("name: constant"), ranks: 1)[0] != alone)
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    _ = try train(falling, ranks: 1, pause: 5, directory: directory)
    #expect(
      try train(falling, ranks: 2, directory: directory, start: .newestCheckpoint)[0] == alone)
  }

  @Test func howManyWorkersAndHowSeldomDecidesTheResult() throws {
    let hashes = try [
      "every: 3, workers: 4", "every: 3, workers: 2", "every: 2, workers: 4",
      "every: 3, workers: 4, outer: {momentum: 0.8}", "every: 0",
      "every: 3, workers: 4, outer: {name: sparseloco}",
      "every: 3, workers: 4, outer: {name: sparseloco, density: 0.1}",
      "every: 3, workers: 4, outer: {name: sparseloco, decay: 0.5}",
    ].map {
      try train(
        configuration(synchronize: $0, evaluateEvery: 0), ranks: 1)[0]
    }
    #expect(Set(hashes).count == hashes.count)
  }

  /// Two workers and two rounds, by the formula, from what each worker does when it is a run of its own.
  @Test func aRoundIsAnOuterStepAlongTheMeanOfTheChanges() throws {
    var velocity: [Float] = []
    try expectRounds(.nesterov(NesterovOuterStep())) { parameters, ends in
      if velocity.isEmpty { velocity = parameters.map { _ in 0 } }
      return parameters.indices.map { index in
        let mean = ends.reduce(0) { $0 + parameters[index] - $1[index] } / Float(ends.count)
        velocity[index] = 0.9 * velocity[index] + mean
        return parameters[index] - 0.7 * (mean + 0.9 * velocity[index])
      }
    }
  }

  /// Likewise where each worker sends a quarter of its change, and adds what it has kept to the next one.
  @Test func aSparseRoundIsAStepAlongTheLargestElementsOfTheChanges() throws {
    var rule = SparseOuterStep()
    (rule.learningRate, rule.density, rule.decay) = (0.8, 0.25, 0.9)
    var residuals: [[Float]] = []
    try expectRounds(.sparseloco(rule)) { parameters, ends in
      if residuals.isEmpty { residuals = ends.map { $0.map { _ in 0 } } }
      var sent = parameters.map { _ in Float(0) }
      for (worker, end) in ends.enumerated() {
        for index in end.indices {
          residuals[worker][index] =
            0.9 * residuals[worker][index] + (parameters[index] - end[index])
        }
        let magnitudes = residuals[worker].map(\.magnitude)
        let largest = magnitudes.indices.sorted { magnitudes[$0] > magnitudes[$1] }
        let scale = (magnitudes.max() ?? 0) / 127
        for index in largest.prefix((end.count + 3) / 4) {
          let value = (residuals[worker][index] / scale).rounded(.toNearestOrEven) * scale
          sent[index] += value
          residuals[worker][index] -= value
        }
      }
      return zip(parameters, sent).map { $0 - 0.8 * $1 / Float(ends.count) }
    }
  }

  /// Compares two rounds of two workers with a formula.
  ///
  /// - Parameter next: The parameters after a round, of those before it and those of each worker.
  private func expectRounds(
    _ outer: OuterOptimizerConfiguration.Method,
    next: (_ parameters: [Float], _ ends: [[Float]]) -> [Float]
  ) throws {
    let (every, workers) = (3, 2)
    var plan = Plan.regression(steps: 2 * every, microbatches: 4)
    plan.optimizer.method = .sgd(SGD())
    plan.evaluate.every = 0
    var alone = plan
    alone.batch.microbatches /= workers
    plan.synchronize.every = every
    plan.synchronize.workers = workers
    plan.synchronize.outer.method = outer
    let trainer = try Trainer(
      task: LinearRegression(), plan: plan, communicator: SoloCommunicator(), observers: [])
    var parameters = Array(trainer.replica.shared.values)
    for round in 0..<2 {
      let ends = try (0..<workers).map { worker in
        let own = try Trainer(
          task: Share(of: LinearRegression(), from: 2 * worker), plan: alone,
          communicator: SoloCommunicator(), observers: [])
        _ = own.replica.shared.values.update(fromContentsOf: parameters)
        for step in 0..<every { _ = try own.step.run(step: round * every + step) }
        return Array(own.replica.shared.values)
      }
      parameters = next(parameters, ends)
    }
    _ = try trainer.run()
    for (found, expected) in zip(trainer.replica.shared.values, parameters) {
      #expect(abs(found - expected) <= 1e-5 * max(1, abs(expected)))
    }
  }

  /// Nothing of this task but the rounding of changes depends on the seed.
  @Test func changesAreRoundedByDrawsOfTheSeed() throws {
    func end(seed: Int, _ reduction: ReductionMethod) throws -> [Float] {
      // A micro-batch of a worker is the root of its tree, which is not rounded.
      var plan = Plan.regression(steps: 4, microbatches: 2)
      (plan.seed, plan.reduction, plan.evaluate.every) = (seed, reduction, 0)
      (plan.synchronize.every, plan.synchronize.workers) = (2, 2)
      let trainer = try Trainer(
        task: LinearRegression(), plan: plan, communicator: SoloCommunicator(), observers: [])
      trainer.replica.shared.values.update(repeating: 0)
      try trainer.step.begin(afterStep: 0)
      _ = try trainer.run()
      return Array(trainer.replica.shared.values)
    }
    #expect(try end(seed: 1, .canonical) == end(seed: 2, .canonical))
    #expect(try end(seed: 1, .canonicalInt8) != end(seed: 2, .canonicalInt8))
  }

  /// Some of a task's micro-batches.
  private final class Share: TrainingTask {
    private let task: any TrainingTask
    private let first: Int
    var model: any Module { task.model }

    init(of task: any TrainingTask, from first: Int) {
      self.task = task
      self.first = first
    }

    func loss(step: Int, microbatch: Int, in workspace: Workspace) throws -> BatchLoss {
      try task.loss(step: step, microbatch: first + microbatch, in: workspace)
    }
  }

  @Test func aStepReportsTheLossOfAllMicrobatches() throws {
    func first(_ plan: Plan) throws -> StepOutcome {
      let trainer = try Trainer(
        task: LinearRegression(), plan: plan, communicator: SoloCommunicator(), observers: [])
      return try trainer.step.run(step: 0)
    }
    var plan = Plan.regression(steps: 30, microbatches: 6)
    let together = try first(plan)
    (plan.synchronize.every, plan.synchronize.workers) = (15, 3)
    let apart = try first(plan)
    #expect(abs(apart.loss - together.loss) < 1e-6 * together.loss)
    #expect(apart.targetCount == together.targetCount)
    // The mean of gradients is no longer than they are.
    #expect(apart.gradientNorm > together.gradientNorm)
  }

  @Test(arguments: [1, 2, 4, 6]) func aLossThatIsNotFiniteIsNamedOnAllRanks(ranks: Int) throws {
    let said = Mutex<[String]>([])
    let codes = try InProcessGroup(size: ranks, ranksPerHost: 2).run { communicator -> ExitCode? in
      var plan = Plan.regression(steps: 30, microbatches: 6)
      (plan.synchronize.every, plan.synchronize.workers) = (15, 2)
      let task = LinearRegression { loss, step, microbatch in
        step == 1 && microbatch == 4 ? loss * Float.nan : loss
      }
      let trainer = try Trainer(task: task, plan: plan, communicator: communicator, observers: [])
      do {
        return try trainer.run()
      } catch let error as AgreedError {
        if error.speaks { said.withLock { $0.append("\(error)") } }
        return error.exitCode
      }
    }
    #expect(codes.allSatisfy { $0 == .failure })
    let lines = said.withLock { $0 }
    let rank = [1: 0, 2: 1, 4: 3, 6: 4][ranks] ?? 0
    #expect(lines.count == 1)
    #expect(
      lines.first?.hasPrefix("step 2: the loss of micro-batch 4 on rank \(rank) is not") == true,
      "\(lines)")
  }

  @Test func aRequestOfAnyRankReachesAll() throws {
    let flags = try InProcessGroup(size: 5, ranksPerHost: 2).run { communicator in
      let trainer = try Trainer(
        task: DeepRegression(), configuration: configuration(), communicator: communicator,
        observers: [])
      return try trainer.step.run(step: 0, flag: communicator.rank == 3 ? 15 : 0).flag
    }
    #expect(flags == [15, 15, 15, 15, 15])
  }

  @Test(arguments: ["nesterov", "sparseloco"])
  func hostsThatDisagreeAreFoundAtTheEndOfARound(outer: String) throws {
    let configuration = try configuration(
      synchronize: "every: 3, workers: 4, outer: {name: \(outer)}")
    let said = try InProcessGroup(size: 4, ranksPerHost: 2).run { communicator -> String? in
      let trainer = try Trainer(
        task: DeepRegression(), configuration: configuration, communicator: communicator,
        observers: [])
      do {
        _ = try trainer.run(pausing: { step, _ in
          if step == 1, communicator.rank == 2 { trainer.replica.shared.values[0] += 1 }
          return false
        })
        return nil
      } catch let error as AgreedError {
        return error.speaks ? "\(error)" : nil
      }
    }
    let message = try #require(said[0])
    #expect(
      message.hasPrefix("step 3: hosts 0 and 1 disagree, first in first.weight"), "\(message)")
  }

  @Test func everyWorkerAndRankIsInOneGroup() {
    for workers in 1...9 {
      for ranks in 1...9 {
        let groups = WorkerGroups(workerCount: workers, rankCount: ranks)
        #expect(groups.count == min(workers, ranks))
        #expect((0..<groups.count).flatMap(groups.workers(of:)) == Array(0..<workers))
        #expect((0..<groups.count).flatMap(groups.ranks(of:)) == Array(0..<ranks))
        for group in 0..<groups.count {
          #expect(groups.ranks(of: group).allSatisfy { groups.group(ofRank: $0) == group })
          #expect(groups.workers(of: group).allSatisfy { groups.group(ofWorker: $0) == group })
        }
      }
    }
  }
}
