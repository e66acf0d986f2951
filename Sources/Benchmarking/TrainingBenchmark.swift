import Foundation
import LockstepCommunication
import LockstepParallelism
import LockstepTensors
import LockstepTraining

/// How fast a model trains here: steps on synthetic tokens, timed, and the share of what the
/// processors' arithmetic can do. Nothing is written.
public struct TrainingBenchmark: Encodable, Sendable, CustomStringConvertible {
  /// A built-in case's name, or a configuration's path.
  public let name: String
  public let ranks: Int
  /// Threads of each rank.
  public let threads: Int
  /// Elements of the trained parameters.
  public let parameters: Int
  /// Steps that were timed, without those before that fetch memory.
  public let steps: Int
  public let tokensPerStep: Int
  public let tokensPerSecond: Double
  public let secondsPerStep: Double
  /// Floating-point operations of the model's matrix products in a step, over all ranks, forward and
  /// backward.
  public let flopPerStep: Double
  /// Achieved, in 10⁹ operations a second.
  public let gflops: Double
  /// What the arithmetic of the processors can do on all ranks and threads together, the best of a
  /// measurement before the steps, one after and the steps themselves.
  public let peakGflops: Double
  /// `gflops` as a share of `peakGflops`, in 0 ... 1.
  public let peakShare: Double
  /// What to know about the peak; nil: nothing.
  public let notice: String?
  /// Seconds of a step, mean over ranks; what is left of `secondsPerStep` is everything else.
  public let forwardSeconds: Double
  public let backwardSeconds: Double
  public let reductionSeconds: Double
  public let optimizerSeconds: Double
  /// The most memory that any rank ever had resident, shared pages included.
  public let peakResidentBytes: Int
  /// Memory of all ranks together after the last step, shared pages counted once.
  public let proportionalBytes: Int
  /// What the job takes: of one rank its peak, of several `proportionalBytes`.
  public let peakBytes: Int

  /// Trains. Collective.
  ///
  /// - Parameter steps: How many are timed. Default: as many as take about 10 seconds, at least 3.
  /// - Throws: `AgreedError`, `CommunicationError`.
  public init(
    _ benchmark: BenchmarkCase, steps requestedSteps: Int? = nil, communicator: any Communicator
  ) throws {
    var plan = benchmark.plan
    plan.steps = max(plan.steps, Measured.warmUpSteps + (requestedSteps ?? plan.steps))
    try communicator.agree {
      if let key = benchmark.unseenKey { throw UnseenKeyError(path: benchmark.name, key: key) }
      try benchmark.memory(ranks: communicator.size).requireFits(
        plan, topology: communicator.topology, available: HostMemory.available)
    }
    threads = try ThreadPlan(requested: plan.threads, communicator: communicator).threads
    let trainer = try Trainer(
      task: SyntheticText(benchmark), plan: plan, communicator: communicator,
      workspace: Workspace(threadCount: threads, for: plan), observers: [])
    let measured = try Measured(trainer, steps: requestedSteps, communicator)

    name = benchmark.name
    ranks = communicator.size
    parameters = trainer.replica.parameters.parameterCount
    steps = measured.steps
    secondsPerStep = measured.secondsPerStep
    let batch = plan.batch
    tokensPerStep = batch.sequences * batch.microbatches * benchmark.context
    tokensPerSecond = Double(tokensPerStep) / secondsPerStep
    flopPerStep = measured.flopPerStep
    gflops = measured.gflops
    let speed = AchievedSpeed(gigaflops: gflops, peak: measured.peak)
    peakGflops = speed.peak.gigaflops
    peakShare = speed.peakShare
    notice = speed.notice
    func mean(_ seconds: Double) throws -> Double {
      let all = try communicator.allGather([seconds])
      return all.reduce(0) { $0 + $1[0] } / Double(all.count * measured.steps)
    }
    forwardSeconds = try mean(measured.phases.forward)
    backwardSeconds = try mean(measured.phases.backward)
    reductionSeconds = try mean(measured.phases.reduction)
    optimizerSeconds = try mean(measured.phases.optimizer)
    peakResidentBytes = measured.memory.map(\.peakResident).max() ?? 0
    proportionalBytes = measured.memory.reduce(0) { $0 + $1.proportional }
    peakBytes = measured.memory.count == 1 ? peakResidentBytes : proportionalBytes
  }

  public var description: String {
    let threads = "\(threads) thread\(threads == 1 ? "" : "s")"
    let ranks = "\(ranks) rank\(ranks == 1 ? "" : "s")"
    func milliseconds(_ seconds: Double) -> String { String(format: "%.1f ms", seconds * 1e3) }
    func megabytes(_ bytes: Int) -> String { "\((bytes + 500_000) / 1_000_000) MB" }
    let parts = [
      ("forward", forwardSeconds), ("backward", backwardSeconds),
      ("reduction", reductionSeconds), ("optimiser", optimizerSeconds),
    ]
    let shares = parts.map { name, seconds in
      "\(name) \(milliseconds(seconds)) (\(String(format: "%.0f", 100 * seconds / secondsPerStep)) %)"
    }
    return """
      case       \(name), \(parameters) parameters, \(ranks) × \(threads)
      speed      \(String(format: "%.0f", tokensPerSecond)) tokens/s, \(milliseconds(secondsPerStep)) \
      a step of \(tokensPerStep) tokens, mean of \(steps) steps
      arithmetic \(String(format: "%.1f", flopPerStep / 1e9)) GFLOP a step, \
      \(String(format: "%.1f", gflops)) GFLOP/s
      peak       \(String(format: "%.1f", 100 * peakShare)) % of what the processors can do, \
      \(String(format: "%.1f", peakGflops)) GFLOP/s
      time       \(shares.joined(separator: ", "))
      memory     \(megabytes(peakBytes)) together, \(megabytes(peakResidentBytes)) at most in a rank
      """ + (notice.map { "\nnotice     \($0)" } ?? "")
  }
}

/// What a trainer's steps take on all ranks.
private struct Measured {
  /// Steps that are not timed: they fetch memory.
  static let warmUpSteps = 2
  /// How long the timed steps last, about, where their number is not given; in seconds.
  private static let budget = 10.0

  /// Timed ones.
  let steps: Int
  let secondsPerStep: Double
  /// Over all ranks.
  let flopPerStep: Double
  let gflops: Double
  let peak: Peak
  /// Where the time of this rank went, in all timed steps.
  let phases: StepPhases
  /// The memory of each rank.
  let memory: [MemoryUse]

  /// Takes the steps. Collective.
  ///
  /// - Parameter requestedSteps: How many are timed; nil: as many as the budget has time for.
  init(_ trainer: Trainer, steps requestedSteps: Int?, _ communicator: any Communicator) throws {
    let workspace = trainer.replica.workspace
    var second = 0.0
    for step in 0..<Self.warmUpSteps {
      second = try ContinuousClock.seconds { _ = try trainer.step.run(step: step) }
    }
    func measuredPeak(atLeast speed: Double) throws -> Peak {
      try .measure(
        of: workspace.products.format, threads: workspace.threads, communicator: communicator,
        atLeast: speed)
    }
    let before = try measuredPeak(atLeast: 0)
    let steps = try requestedSteps ?? Self.stepCount(secondsPerStep: second, communicator)
    let (phasesBefore, operationsBefore) = (trainer.step.phases, trainer.step.operations)
    try communicator.barrier()
    let seconds = try ContinuousClock.seconds {
      for step in 0..<steps { _ = try trainer.step.run(step: Self.warmUpSteps + step) }
    }
    self.steps = steps
    phases = trainer.step.phases - phasesBefore
    memory = try Self.memory(communicator)
    // Ranks' clocks differ: rank zero's decides.
    let measured = try communicator.allGather([seconds, trainer.step.operations - operationsBefore])
    secondsPerStep = measured[0][0] / Double(steps)
    flopPerStep = measured.reduce(0) { $0 + $1[1] } / Double(steps)
    gflops = flopPerStep / secondsPerStep / 1e9
    let after = try measuredPeak(atLeast: before.measured < gflops ? gflops : 0)
    peak = .highest(of: before, after)
  }

  /// How many steps fit the budget; rank zero's clock decides.
  private static func stepCount(
    secondsPerStep: Double, _ communicator: any Communicator
  ) throws -> Int {
    let own = min(max((budget / secondsPerStep).rounded(), 3), 10_000)
    return Int(try communicator.allGather([own])[0][0])
  }

  /// Every rank's, while all of them hold what they train with.
  private static func memory(_ communicator: any Communicator) throws -> [MemoryUse] {
    try communicator.barrier()
    let own = MemoryUse.current
    return try communicator.allGather([Double(own.peakResident), Double(own.proportional)]).map {
      MemoryUse(peakResident: Int($0[0]), proportional: Int($0[1]))
    }
  }
}
