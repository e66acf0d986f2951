// K workers, M micro-batches, N ranks.

import LockstepCommunication
import LockstepOptimization
import LockstepTensors

/// Optimiser steps of workers that train by themselves, and become one every H steps.
///
/// Of a step's M micro-batches worker w takes w·M/K ..< (w+1)·M/K, whoever plays it, and its step is a
/// `TrainingStep` over its ranks. The ranks meet in every step, to tell each other losses and whether to
/// stop, some hundred bytes; what is as large as the parameters travels between groups once a round.
final class WorkerSteps: OptimizationStep {
  private let communicator: any Communicator
  private let replica: Replica
  private let configuration: SynchronizationConfiguration
  private let groups: WorkerGroups
  /// The ranks of this rank's group.
  private let group: any Communicator
  private let outer: OuterStep
  /// Those that this rank plays.
  private let workers: [Worker]
  /// What checkpoints store of the workers of each group, its ranks counted from 0; the parameters last.
  private let outlines: [[OptimizerState.Outline]]
  private var outerPhases = StepPhases()

  /// Allocates the workers' parameters, their gradients and optimisers. Collective.
  ///
  /// - Parameters:
  ///   - replica: The run's parameters, of which the groups' first ranks own the slices.
  ///   - plan: As of `TrainingStep.init`, and `synchronize`.
  ///   - method: As of `TrainingStep.init`.
  /// - Throws: As `TrainingStep.init`.
  init(
    task: any TrainingTask, replica: Replica, plan: Plan, optimizer method: (any OptimizerMethod)?,
    groups: WorkerGroups, communicator: any Communicator
  ) throws {
    self.communicator = communicator
    self.replica = replica
    self.groups = groups
    configuration = plan.synchronize
    let index = groups.group(ofRank: communicator.rank)
    let group = try communicator.split(color: index)
    self.group = group
    outer = try OuterStep(
      replica: replica, plan: plan, groups: groups, communicator: communicator)
    var own = plan
    own.batch.microbatches /= groups.workerCount
    // The workers of a rank take turns with one set of gradients.
    let reduction = try plan.reduction.reduction(
      communicator: group, elementCount: replica.parameters.trainedCount,
      leafCount: own.batch.microbatches, pool: replica.workspace.threads)
    let firstRank = groups.ranks(of: index).lowerBound
    let workers = try groups.workers(of: index).map { worker in
      let copy = try Replica(beside: replica, communicator: group)
      let step = try TrainingStep(
        task: task, replica: copy, plan: own, optimizer: method, communicator: group,
        reduction: reduction,
        place: .init(firstRank: firstRank, firstMicrobatch: worker * own.batch.microbatches))
      let feedback = try group.agree { try plan.synchronize.outer.feedback(of: step.layout, group) }
      return Worker(replica: copy, step: step, feedback: feedback, communicator: group)
    }
    self.workers = workers
    outlines = try groups.leaders.map { leader in
      try communicator.value(fromRank: leader) {
        workers[0].states(withParameters: true).map(\.outline)
      }
    }
  }

  // MARK: - Steps

  func run(step: Int, flag: Int) throws -> StepOutcome {
    communicator.step = step + 1
    let isDue = configuration.isDue(afterStep: step + 1)
    // Found before all ranks meet, after which the parameters change.
    let words = isDue ? time { outer.words(step: step + 1) } : []
    let results = try runWorkers(step: step, flag: flag)
    // Where groups wait for one another.
    let outcome = try time { try agree(on: results, step: step) }
    if isDue {
      try time {
        try outer.run(
          workers, step: step + 1, round: (step + 1) / configuration.every, contributing: words)
      }
    }
    return outcome
  }

  /// - Returns: What the steps of this rank's workers came to, or what all ranks of the group know to be
  ///   wrong. Any other error ends the run at once.
  private func runWorkers(
    step: Int, flag: Int
  ) throws -> Result<[StepOutcome], any Error> {
    defer { replica.bind() }
    do {
      return .success(try workers.map { try $0.run(step: step, flag: flag) })
    } catch let error as NotFiniteError {
      return .failure(error)
    } catch let error as AgreedError {
      return .failure(error.underlying)
    }
  }

  /// Lets all ranks know what came of each worker. Collective: one meeting.
  ///
  /// - Throws: `AgreedError` where something is wrong with any of them; its first rank speaks.
  private func agree(
    on result: Result<[StepOutcome], any Error>, step: Int
  ) throws -> StepOutcome {
    let mostWorkers = (groups.workerCount + groups.count - 1) / groups.count
    let all = try communicator.allGather(RankReport(result).numbers(workers: mostWorkers))
      .map(RankReport.init(numbers:))
    if let first = all.firstIndex(where: { $0.exitCode != .success }) {
      if first == communicator.rank, case .failure(let error) = result {
        throw AgreedError(error, speaks: true)
      }
      throw AgreedError(
        PeerFailed(rank: first), speaks: false, exitCode: all[first].exitCode)
    }
    let found = (0..<groups.count).flatMap { group in
      all[groups.ranks(of: group).lowerBound].outcomes.prefix(groups.workers(of: group).count)
    }
    return StepOutcome(
      step: step + 1, ofWorkers: found, learningRate: try result.get()[0].learningRate,
      flag: all.reduce(0) { max($0, $1.flag) })
  }

  func requireFinite(afterStep step: Int) throws {
    guard !configuration.isDue(afterStep: step) else { return }
    try communicator.agree {
      do {
        for worker in workers { try worker.replica.requireFinite(step: step, group) }
      } catch let error as AgreedError {
        throw error.underlying
      }
    }
  }

  private func time<Result>(_ body: () throws -> Result) rethrows -> Result {
    try outerPhases.timeReduction(over: communicator, body)
  }

  // MARK: - What the trainer asks

  var layout: ParameterLayout { outer.layout }

  var rateFactor: Double {
    get { workers[0].step.rateFactor }
    set { for worker in workers { worker.step.rateFactor = newValue } }
  }

  var phases: StepPhases { workers.reduce(outerPhases) { $0 + $1.step.phases } }

  var computedMicrobatches: Int { workers.reduce(0) { $0 + $1.step.computedMicrobatches } }

  var products: ForwardProducts? { workers[0].step.products }

  var operations: Double { workers.reduce(0) { $0 + $1.step.operations } }

  // MARK: - Checkpoints

  var states: [OptimizerState] { states(withParameters: true) }

  func states(afterStep step: Int) -> [OptimizerState] {
    states(withParameters: !configuration.isDue(afterStep: step))
  }

  private func states(withParameters: Bool) -> [OptimizerState] {
    let own = groups.workers(of: groups.group(ofRank: communicator.rank))
    let outerStates = outer.states.map {
      OptimizerState($0.outline.named("outer", ranksFrom: 0), values: $0.values)
    }
    return outerStates
      + (0..<groups.workerCount).flatMap { worker in
        let group = groups.group(ofWorker: worker)
        let states =
          own.contains(worker)
          ? workers[worker - own.lowerBound].states(withParameters: true) : []
        let outlines = withParameters ? outlines[group] : outlines[group].dropLast()
        return outlines.enumerated().map { place, outline in
          OptimizerState(
            outline.named(
              "worker_\(worker)", ranksFrom: groups.ranks(of: group).lowerBound),
            values: states.isEmpty
              ? UnsafeMutableBufferPointer(start: nil, count: 0) : states[place].values)
        }
      }
  }

  var notes: [String: String] {
    get throws {
      precondition(
        workers.allSatisfy { $0.step.optimizer.notes.isEmpty },
        "an optimiser that keeps notes can not be a worker's: they would differ")
      return [:]
    }
  }

  func resume(from notes: [String: String]) throws {}

  func begin(afterStep step: Int) throws {
    for worker in workers {
      if configuration.isDue(afterStep: step) {
        try worker.take(replica.shared.trained)
      } else {
        try worker.replica.shared.share()
      }
    }
  }
}

/// What a step came to on one rank, as it tells all others.
private struct RankReport {
  private(set) var exitCode = ExitCode.success
  private(set) var flag = 0
  /// Of the rank's workers; none where something is wrong with any of them.
  private(set) var outcomes: [WorkerOutcome] = []

  init(_ result: Result<[StepOutcome], any Error>) {
    switch result {
    case .success(let steps):
      flag = steps.map(\.flag).max() ?? 0
      outcomes = steps.map {
        WorkerOutcome(loss: $0.loss, gradientNorm: $0.gradientNorm, targetCount: $0.targetCount)
      }
    case .failure(let error): exitCode = ExitCode(of: error)
    }
  }

  /// - Parameter numbers: As of `numbers(workers:)`; the outcomes of workers that the rank does not have are 0.
  init(numbers: [Double]) {
    exitCode = ExitCode(rawValue: Int32(numbers[0]))
    flag = Int(numbers[1])
    outcomes = stride(from: 2, to: numbers.count, by: 3).map {
      WorkerOutcome(
        loss: numbers[$0], gradientNorm: numbers[$0 + 1], targetCount: numbers[$0 + 2])
    }
  }

  /// What travels: an exit code, a flag, and three numbers of each worker.
  ///
  /// - Parameter count: The most workers that a rank has.
  func numbers(workers count: Int) -> [Double] {
    let numbers =
      [Double(exitCode.rawValue), Double(flag)]
      + outcomes.flatMap { [$0.loss, $0.gradientNorm, $0.targetCount] }
    return numbers + Array(repeating: 0, count: 2 + 3 * count - numbers.count)
  }
}

/// What a worker's step came to, as all ranks know it.
struct WorkerOutcome: Equatable {
  /// Mean loss of a target of the worker.
  let loss: Double
  /// Norm of that loss's gradient, before clipping.
  let gradientNorm: Double
  /// Targets of the worker.
  let targetCount: Double
}
