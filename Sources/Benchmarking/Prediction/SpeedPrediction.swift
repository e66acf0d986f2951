// M micro-batches, N ranks, H hosts.

import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// How many tokens a second a configuration is expected to train at on 1 … 64 ranks, reckoned from what
/// was measured on the ranks and hosts of this job. Nothing is written.
public struct SpeedPrediction: Encodable, Sendable, CustomStringConvertible {
  /// The most ranks that are looked at, unless the job has more.
  package static let mostRanks = 64

  /// A built-in case's name, or a configuration's path.
  public let name: String
  /// Threads of each rank.
  public let threads: Int
  /// Elements of the trained parameters.
  public let parameters: Int
  /// M, of an optimiser step, over all ranks.
  public let microbatches: Int
  /// Target tokens of an optimiser step.
  public let tokensPerStep: Int
  /// What was measured on one host, by the number of its ranks that trained.
  package let costs: [HostCosts]
  /// Ascending by ranks.
  package let steps: [PredictedStep]
  /// What is not predicted, and why.
  public let notices: [String]

  /// Trains on synthetic tokens for some seconds with 1, 2, 4 … of each host's ranks. Collective.
  ///
  /// - Parameters:
  ///   - benchmark: What is trained.
  ///   - diagnosis: Of this job, for the links between its hosts.
  /// - Throws: `AgreedError` with `UnseenKeyError` where synthetic tokens would not show what a step takes,
  ///   `CommunicationError`.
  public init(
    _ benchmark: BenchmarkCase, diagnosis: Diagnosis, communicator: any Communicator
  ) throws {
    try self.init(benchmark, links: diagnosis.links, communicator: communicator)
  }

  /// Trains as the other initialiser does.
  ///
  /// - Parameter seconds: How long each number of a host's ranks trains, about. Default: 2.5.
  package init(
    _ benchmark: BenchmarkCase, links: [HostLink], seconds: Double = 2.5,
    communicator: any Communicator
  ) throws {
    let plan = benchmark.plan
    try communicator.agree {
      if let key = benchmark.unseenKey { throw UnseenKeyError(path: benchmark.name, key: key) }
      try benchmark.memory(ranks: communicator.size).requireFits(
        plan, topology: communicator.topology, available: HostMemory.available)
    }
    let topology = communicator.topology
    let localRanks = topology.hosts.map(\.count).max() ?? 1
    let threads = try ThreadPlan(requested: plan.threads, communicator: communicator).threads
    var costs: [HostCosts] = []
    var (parameters, timeline) = (0, GradientTimeline?.none)
    for ranks in Self.counts(upTo: localRanks) {
      let measured = try Self.measure(
        benchmark, ranks: ranks, threads: threads, seconds: seconds,
        findsTimeline: !links.isEmpty && ranks == localRanks, communicator)
      costs.append(measured.costs)
      (parameters, timeline) = (measured.parameters, measured.timeline)
    }
    let link = timeline.map { timeline in
      SpeedModel.Link(
        bytesPerSecond: (links.map(\.gigabits).min() ?? 0) * 1e9 / 8,
        roundTripSeconds: (links.map(\.roundTripMicroseconds).max() ?? 0) / 1e6,
        timeline: timeline)
    }
    let model = SpeedModel(
      microbatches: plan.batch.microbatches,
      tokensPerMicrobatch: plan.batch.sequences * benchmark.context, parameters: parameters,
      reduction: plan.reduction, synchronize: plan.synchronize, costs: costs, link: link)
    self.init(name: benchmark.name, threads: threads, model, hosts: topology.hosts)
  }

  /// Reckons, and measures nothing.
  ///
  /// - Parameter hosts: The ranks of this job's.
  package init(name: String, threads: Int, _ model: SpeedModel, hosts: [Range<Int>]) {
    self.name = name
    self.threads = threads
    parameters = model.parameters
    microbatches = model.microbatches
    tokensPerStep = model.microbatches * model.tokensPerMicrobatch
    costs = model.costs
    var notices: [String] = []
    let localRanks = hosts.map(\.count).max() ?? 1
    var layouts = [hosts] + Self.counts(upTo: localRanks).map { [0..<$0] }
    if let obstacle = model.obstacleBetweenHosts {
      notices.append(obstacle)
      layouts = layouts.filter { $0.count == 1 }
    } else {
      let most = Self.mostRanks / localRanks
      layouts += Self.counts(upTo: max(1, most)).dropFirst().map { count in
        (0..<count).map { $0 * localRanks..<($0 + 1) * localRanks }
      }
    }
    var steps: [PredictedStep] = []
    for layout in layouts {
      let ranks = layout.last?.upperBound ?? 0
      guard ranks <= model.microbatches, !steps.contains(where: { $0.ranks == ranks }) else {
        continue
      }
      var step = model.step(on: layout)
      step.isThisJob = layout == hosts
      steps.append(step)
    }
    self.steps = steps.sorted { $0.ranks < $1.ranks }
    let next = 2 * (self.steps.last?.ranks ?? 0)
    if next > model.microbatches, next <= Self.mostRanks {
      notices.append(
        "more ranks than batch.microbatches (\(model.microbatches)): there is no work for them")
    }
    self.notices = notices
  }

  /// What is expected of this job; nil where that is not predicted.
  package var ofThisJob: PredictedStep? { steps.first(where: \.isThisJob) }

  /// 1, 2, 4 … and the last.
  private static func counts(upTo last: Int) -> [Int] {
    var counts: [Int] = []
    var count = 1
    while count < last {
      counts.append(count)
      count *= 2
    }
    return counts + [last]
  }

  /// Lets so many ranks of each host train, all hosts at once; the others wait. Collective.
  private static func measure(
    _ benchmark: BenchmarkCase, ranks: Int, threads: Int, seconds: Double, findsTimeline: Bool,
    _ communicator: any Communicator
  ) throws -> (costs: HostCosts, parameters: Int, timeline: GradientTimeline?) {
    let topology = communicator.topology
    let trains = topology.localRank < ranks
    let group = try communicator.split(color: trains ? topology.hostIndex : topology.hostCount)
    let own = try communicator.agree { () throws -> HostCostMeasurement? in
      guard trains else { return nil }
      do {
        return try HostCostMeasurement(
          benchmark, group: group, threads: threads, seconds: seconds,
          findsTimeline: findsTimeline)
      } catch let error as AgreedError {
        throw error.underlying
      }
    }
    // Hosts wait for the slowest.
    let costs = own?.costs
    let all = try communicator.allGather([
      costs?.forwardSeconds ?? 0, costs?.backwardSeconds ?? 0, costs?.optimizerSeconds ?? 0,
      costs?.restSeconds ?? 0, Double(own?.parameterCount ?? 0),
    ])
    func most(_ place: Int) -> Double { all.map { $0[place] }.max() ?? 0 }
    let slowest = all.max { $0[0] + $0[1] < $1[0] + $1[1] } ?? all[0]
    return (
      HostCosts(
        ranks: ranks, forwardSeconds: slowest[0], backwardSeconds: slowest[1],
        optimizerSeconds: most(2), restSeconds: most(3)),
      Int(most(4)), try findsTimeline ? communicator.valueFromRankZero { own?.timeline } : nil
    )
  }

  public var description: String {
    func tenths(_ value: Double) -> String { String(format: "%.1f", value) }
    func percent(_ part: Double, of step: PredictedStep) -> String {
      String(format: "%.0f %%", 100 * part / step.seconds)
    }
    var table = TextTable(["hosts", "ranks", "tokens/s", "ms a step", "in host", "network", ""])
    for step in steps {
      table.add([
        "\(step.hosts)", "\(step.ranks)", String(format: "%.0f", step.tokensPerSecond),
        tenths(step.seconds * 1e3), percent(step.hostSeconds, of: step),
        percent(step.networkSeconds, of: step), step.isThisJob ? "this job" : "",
      ])
    }
    let threads = "\(threads) thread\(threads == 1 ? "" : "s")"
    return """
      prediction   \(name): \(parameters) parameters, \(microbatches) micro-batch\(microbatches == 1 ? "" : "es"), \
      \(tokensPerStep) tokens a step, \(threads) a rank
      \(table.lines.map { "             " + $0 }.joined(separator: "\n"))
      """ + notices.map { "\nno prediction for \($0)" }.joined()
  }
}
