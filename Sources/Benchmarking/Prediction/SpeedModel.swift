// K workers, M micro-batches, N ranks, P parameters, H hosts.

import LockstepCommunication
import LockstepTraining

/// Reckons what an optimiser step takes on hosts of a kind that was measured, from what its parts take on
/// one host and from the link between two. The formula is in docs/launching.md.
package struct SpeedModel: Sendable {
  /// M.
  package var microbatches: Int
  /// Target tokens of one.
  package var tokensPerMicrobatch: Int
  /// P, what is trained.
  package var parameters: Int
  package var reduction: ReductionMethod
  package var synchronize: SynchronizationConfiguration
  /// Of one host, by the number of its ranks, ascending; at least one.
  package var costs: [HostCosts]
  /// Nil where there was one host only.
  package var link: Link?

  /// What connects each two hosts.
  package struct Link: Codable, Equatable, Sendable {
    /// The speed of large messages in one direction.
    package let bytesPerSecond: Double
    /// The time of a message and its answer.
    package let roundTripSeconds: Double
    package let timeline: GradientTimeline

    package init(bytesPerSecond: Double, roundTripSeconds: Double, timeline: GradientTimeline) {
      self.bytesPerSecond = bytesPerSecond
      self.roundTripSeconds = roundTripSeconds
      self.timeline = timeline
    }
  }

  package init(
    microbatches: Int, tokensPerMicrobatch: Int, parameters: Int,
    reduction: ReductionMethod = .canonical,
    synchronize: SynchronizationConfiguration = .init(), costs: [HostCosts], link: Link? = nil
  ) {
    precondition(!costs.isEmpty, "what a step takes on one host is to be measured first")
    self.microbatches = microbatches
    self.tokensPerMicrobatch = tokensPerMicrobatch
    self.parameters = parameters
    self.reduction = reduction
    self.synchronize = synchronize
    self.costs = costs
    self.link = link
  }

  /// Why there is no prediction for several hosts; nil: there is.
  package var obstacleBetweenHosts: String? {
    if link == nil {
      return "several hosts: start doctor on two of them, so that the link between them is measured"
    }
    if reduction == .allreduce {
      return "several hosts: with reduction: allreduce, what travels is MPI's choice"
    }
    return nil
  }

  /// An optimiser step, mean over a round where there are workers.
  ///
  /// - Parameter hosts: The ranks of each, together 0 ..< N; N is at most M. More than one only where
  ///   `obstacleBetweenHosts` is nil.
  package func step(on hosts: [Range<Int>]) -> PredictedStep {
    let ranks = hosts.last?.upperBound ?? 0
    let localRanks = hosts.map(\.count).max() ?? 0
    let costs = costs.last { $0.ranks <= localRanks } ?? costs[0]
    let groups = WorkerGroups(
      workerCount: synchronize.isOn ? synchronize.workers : 1, rankCount: ranks)
    let leaves = microbatches / groups.workerCount
    var step = PredictedStep(ranks: ranks, hosts: hosts.count)
    step.tokens = microbatches * tokensPerMicrobatch
    for group in 0..<groups.count {
      let (members, workers) = (groups.ranks(of: group), groups.workers(of: group).count)
      let each = (leaves + members.count - 1) / members.count
      let compute = Double(workers * each) * costs.microbatchSeconds
      let update = Double(workers) * optimizerSeconds(ranks: members.count, costs)
      guard compute + update > step.computeSeconds + step.optimizerSeconds else { continue }
      (step.computeSeconds, step.optimizerSeconds) = (compute, update)
    }
    step.hostSeconds = costs.restSeconds
    step.networkSeconds = networkSeconds(on: hosts, groups, leaves: leaves, costs)
    return step
  }

  /// Of one worker's update by so many ranks: that of the largest slice.
  private func optimizerSeconds(ranks: Int, _ costs: HostCosts) -> Double {
    costs.optimizerSeconds * Double(largestSlice(ranks: ranks))
      / Double(max(1, largestSlice(ranks: costs.ranks)))
  }

  private func largestSlice(ranks: Int) -> Int {
    let partition = SlicePartition(elementCount: parameters, size: ranks)
    return (0..<ranks).map(partition.count).max() ?? 0
  }

  /// What a step waits for the network.
  private func networkSeconds(
    on hosts: [Range<Int>], _ groups: WorkerGroups, leaves: Int, _ costs: HostCosts
  ) -> Double {
    guard hosts.count > 1, let link else { return 0 }
    // Two meetings of the reduction and one that shares the parts: each one way over the link.
    let meeting = link.roundTripSeconds / 2
    let slowestGroup =
      (0..<groups.count).map { group -> Double in
        let parts = Self.hosts(hosts, of: groups.ranks(of: group))
        guard parts.count > 1 else { return 0 }
        let traffic = traffic(parts, leafCount: leaves)
        return 3 * meeting
          + traffic.exposedGradientSeconds(
            bytesPerSecond: link.bytesPerSecond, timeline: link.timeline,
            backward: costs.backwardSeconds)
          + traffic.exposedParameterSeconds(
            bytesPerSecond: link.bytesPerSecond,
            forward: synchronize.isOn ? 0 : costs.microbatchSeconds - costs.backwardSeconds)
      }.max() ?? 0
    guard synchronize.isOn else { return slowestGroup }
    return slowestGroup + meeting
      + roundSeconds(on: hosts, groups, link) / Double(synchronize.every)
  }

  /// Of a meeting of all workers: nothing hides it.
  private func roundSeconds(
    on hosts: [Range<Int>], _ groups: WorkerGroups, _ link: Link
  ) -> Double {
    // The meeting, what travels, and the meeting after it.
    let meetings = 3 * link.roundTripSeconds / 2
    if case .sparseloco(let rule) = synchronize.outer.method {
      let format = rule.format(elementCount: parameters)
      return meetings + Double(format.byteCount * Self.mostMessages(on: hosts, groups))
        / link.bytesPerSecond
    }
    let leaders = hosts.map { ranks in groups.leaders.count { ranks.contains($0) } }
    var parts: [Range<Int>] = []
    for count in leaders where count > 0 {
      let start = parts.last?.upperBound ?? 0
      parts.append(start..<start + count)
    }
    let traffic = traffic(parts, leafCount: groups.workerCount)
    // A host that speaks for no worker gets all parameters.
    let shared = parts.count < hosts.count ? 4 * parameters : traffic.parameterBytes
    let summed = parts.count > 1 ? traffic.gradientBytes : 0
    return meetings + Double(summed + shared) / link.bytesPerSecond
  }

  /// How many workers' sparse changes the busiest host sends or receives.
  private static func mostMessages(on hosts: [Range<Int>], _ groups: WorkerGroups) -> Int {
    let counts = hosts.map { ranks in
      let own = groups.leaders.indices.filter { ranks.contains(groups.leaders[$0]) }
      return (
        workers: own.reduce(0) { $0 + groups.workers(of: $1).count }, receivers: max(1, own.count)
      )
    }
    let receivers = counts.reduce(0) { $0 + $1.receivers }
    return counts.map {
      max($0.workers * (receivers - $0.receivers), (groups.workerCount - $0.workers) * $0.receivers)
    }.max() ?? 0
  }

  private func traffic(_ hosts: [Range<Int>], leafCount: Int) -> HostTraffic {
    HostTraffic(
      hosts: hosts, leafCount: leafCount, elementCount: parameters,
      format: WireFormat(reduction.partialSums),
      layout: synchronize.isOn ? .contiguous : .interleaved)
  }

  /// The parts of a group on each host, its ranks counted from 0.
  private static func hosts(_ hosts: [Range<Int>], of group: Range<Int>) -> [Range<Int>] {
    hosts.map { $0.clamped(to: group) }.filter { !$0.isEmpty }.map {
      $0.lowerBound - group.lowerBound..<$0.upperBound - group.lowerBound
    }
  }
}

/// What one optimiser step is reckoned to take, in seconds.
package struct PredictedStep: Encodable, Equatable, Sendable {
  /// N, over all hosts.
  package let ranks: Int
  package let hosts: Int
  /// Whether this is how the job is started now.
  package var isThisJob = false
  /// Targets.
  package var tokens = 0
  /// Forward and backward passes, one after the other.
  package var computeSeconds = 0.0
  package var optimizerSeconds = 0.0
  /// Sums within a host, waiting for each other, meetings.
  package var hostSeconds = 0.0
  /// What the step waits for other hosts.
  package var networkSeconds = 0.0

  package init(ranks: Int, hosts: Int) {
    self.ranks = ranks
    self.hosts = hosts
  }

  package var seconds: Double {
    computeSeconds + optimizerSeconds + hostSeconds + networkSeconds
  }

  package var tokensPerSecond: Double { Double(tokens) / seconds }

  private enum CodingKeys: CodingKey {
    case ranks, hosts, isThisJob, tokensPerSecond, seconds, computeSeconds, optimizerSeconds
    case hostSeconds, networkSeconds
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(ranks, forKey: .ranks)
    try container.encode(hosts, forKey: .hosts)
    try container.encode(isThisJob, forKey: .isThisJob)
    try container.encode(tokensPerSecond, forKey: .tokensPerSecond)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(computeSeconds, forKey: .computeSeconds)
    try container.encode(optimizerSeconds, forKey: .optimizerSeconds)
    try container.encode(hostSeconds, forKey: .hostSeconds)
    try container.encode(networkSeconds, forKey: .networkSeconds)
  }
}
