import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepParallelism
import LockstepWeights

/// Holds the state of a step in memory that outlives the ranks: on this host the parameters and the
/// slices of its ranks, on the next host a copy of the slices.
///
/// Taking one costs a copy in memory; the copies for the next host travel while training goes on. Two
/// alternate, so that a whole one is there at any time: the next is begun when the one before it is
/// complete on all hosts. After a loss the survivors have all of it, and deal it out anew.
final class SnapshotStore {
  let communicator: any Communicator
  let replica: Replica
  let versions: WeightVersions
  let memory: any KeptMemory
  /// Of the run: a snapshot of another one is never taken.
  let key: [UInt64]
  /// Optimiser steps from one to the next.
  let every: Int
  private let step: any OptimizationStep

  /// What this host keeps of the run, until it has been decided what to go on from.
  var found: [(segment: KeptSegment, shard: SnapshotShard)] = []
  var inventory = SnapshotInventory([])
  /// The segments of the snapshot that the run goes on from, on this host.
  var previous: [UInt64] = []

  /// What one of the two alternating snapshots consists of on this rank.
  private struct Slot {
    let own: SnapshotShard
    let copies: [(owner: Int, shard: SnapshotShard)]
  }

  private let attempt: UInt64
  private var slots: [Slot] = []
  private var begunCount = 0
  private var recordByteCount = 0
  private var isOn = true
  private let batch = MessageBatch()
  private var copiesUnderWay: [SnapshotShard] = []

  /// Looks for what the hosts keep. Collective.
  ///
  /// - Parameters:
  ///   - memory: Nil: nobody keeps memory for this run.
  ///   - run: All that tells the run from others, the same on all ranks.
  /// - Returns: Nil where there are to be no snapshots, and then why, unless nobody has asked for any.
  static func opened(
    memory: (any KeptMemory)?, every: Int, run: String, replica: Replica,
    step: any OptimizationStep, versions: WeightVersions, communicator: any Communicator
  ) throws -> (store: SnapshotStore?, notice: String?) {
    guard every > 0 else { return (nil, nil) }
    let list = memory.flatMap { try? $0.list() }
    let answers = try communicator.allGather([memory == nil ? 2 : list == nil ? 1 : 0])
    if answers.contains([2]) {
      return (
        nil,
        "snapshot.every has no effect: memory that outlives the ranks is kept by lockstep supervise"
      )
    }
    if let silent = answers.firstIndex(of: [1]) {
      let host = communicator.watch.map { " (host \($0.hostName(ofRank: silent)))" } ?? ""
      return (
        nil, "rank \(silent)\(host) can not reach its keeper: the run goes on without snapshots"
      )
    }
    guard let memory, let list else { return (nil, nil) }
    let number = try communicator.allGather([Double(UInt64.random(in: 1..<1 << 52))])[0][0]
    let store = SnapshotStore(
      memory: memory, every: every, run: run, attempt: UInt64(number), replica: replica,
      step: step, versions: versions, communicator: communicator)
    try store.take(list)
    return (store, nil)
  }

  private init(
    memory: any KeptMemory, every: Int, run: String, attempt: UInt64, replica: Replica,
    step: any OptimizationStep, versions: WeightVersions, communicator: any Communicator
  ) {
    self.memory = memory
    self.every = every
    self.attempt = attempt
    self.replica = replica
    self.step = step
    self.versions = versions
    self.communicator = communicator
    let states = step.states + versions.states
    let layout = (replica.parameters.layouts + states.flatMap(\.layouts)).map {
      "\($0.name) \($0.shape)\n"
    }
    key = Self.words(ofHexadecimal: sha256(of: Array((run + layout.joined()).utf8)))
  }

  private static func words(ofHexadecimal text: String) -> [UInt64] {
    stride(from: 0, to: 64, by: 16).map { start in
      UInt64(text.dropFirst(start).prefix(16), radix: 16) ?? 0
    }
  }

  /// All that is held beside the parameters.
  var states: [OptimizerState] { step.states + versions.states }

  var threads: ThreadPool { replica.workspace.threads }

  /// How many parameters a snapshot has: all, or of an adapter those that are trained, which are the first.
  var parameterCount: Int {
    let parameters = replica.parameters
    return parameters.isAdapted ? parameters.trainedCount : parameters.flatCount
  }

  // MARK: - Taking

  /// Goes on with the snapshot under way, and begins one if it is time. Collective, after each step.
  ///
  /// - Parameters:
  ///   - step: Optimiser steps taken.
  ///   - state: What a checkpoint of this step would say.
  /// - Returns: What the user should know.
  func record(step: Int, _ state: () throws -> TrainingState) throws -> String? {
    guard isOn else { return nil }
    // Messages of parameters that are under way are driven by another thread.
    if batch.isUnderWay || step.isMultiple(of: every) { try replica.shared.finish() }
    // Complete on all hosts before the ranks have met in the step of the next one.
    if (step + 1).isMultiple(of: every) || step.isMultiple(of: every) {
      try finish()
    } else if batch.isUnderWay, try communicator.progress(batch) {
      completeCopies()
    }
    guard step.isMultiple(of: every) else { return nil }
    let record = try JSONFormat.encoder().encode(
      SnapshotRecord(state: state(), owners: states.map(\.owners)))
    if slots.count < 2, let notice = try addSlot(recordByteCount: record.count) {
      turnOff()
      return notice
    }
    try begin(step: step, record: Array(record))
    if every == 1 { try finish() }
    return nil
  }

  /// Waits for the copies under way. Collective.
  func finish() throws {
    guard batch.isUnderWay else { return }
    // As in `record`.
    try replica.shared.finish()
    try communicator.finish(batch)
    completeCopies()
  }

  private func completeCopies() {
    for copy in copiesUnderWay { copy.complete() }
    copiesUnderWay = []
  }

  private func begin(step: Int, record: [UInt8]) throws {
    let slot = slots[begunCount % 2]
    begunCount += 1
    let topology = communicator.topology
    for shard in [slot.own] + slot.copies.map(\.shard) { shard.invalidate() }
    describe(slot.own, of: topology.rank, step: step, parameters: ownParameters)
    slot.own.write(record)
    copyTensors(to: slot.own)
    slot.own.complete()

    batch.removeAll()
    copiesUnderWay = []
    guard topology.hostCount > 1 else { return }
    let next = (topology.hostIndex + 1) % topology.hostCount
    batch.send(
      UnsafeRawBufferPointer(slot.own.payload),
      to: topology.counterpart(of: topology.rank, onHost: next))
    for copy in slot.copies {
      describe(copy.shard, of: copy.owner, step: step, parameters: 0..<0)
      batch.receive(into: copy.shard.payload, from: copy.owner)
      copiesUnderWay.append(copy.shard)
    }
    try communicator.start(batch)
  }

  private func describe(
    _ shard: SnapshotShard, of rank: Int, step: Int, parameters: Range<Int>
  ) {
    shard.describe(
      ShardSummary(
        attempt: attempt, step: step, rank: rank, rankCount: communicator.size,
        parameters: parameters, parameterCount: parameterCount), key: key,
      recordByteCount: recordByteCount, valuesByteCount: valuesByteCount(of: rank))
  }

  private func copyTensors(to shard: SnapshotShard) {
    var place = shard.values
    for state in states {
      copy(UnsafeBufferPointer(state.values), to: place)
      place = UnsafeMutableBufferPointer(rebasing: place[state.values.count...])
    }
    let own = ownParameters
    copy(
      UnsafeBufferPointer(start: replica.values + own.lowerBound, count: own.count),
      to: shard.parameters)
  }

  func copy(_ source: UnsafeBufferPointer<Float>, to place: UnsafeMutableBufferPointer<Float>) {
    threads.run(over: source.count, grain: Self.leastElementsForAThread) { part in
      guard let source = source.baseAddress, let place = place.baseAddress else { return }
      (place + part.lowerBound).update(from: source + part.lowerBound, count: part.count)
    }
  }

  private static let leastElementsForAThread = 1 << 16

  // MARK: - Memory

  /// The parameters that this rank holds for its host.
  private var ownParameters: Range<Int> {
    let (rank, count) = (communicator.topology.localRank, communicator.topology.localSize)
    return parameterCount * rank / count..<parameterCount * (rank + 1) / count
  }

  private func valuesByteCount(of rank: Int) -> Int {
    states.reduce(0) { $0 + $1.owners.count(of: rank) } * MemoryLayout<Float>.stride
  }

  /// The ranks of the host before this one whose copies this rank holds.
  private var copied: [Int] {
    let topology = communicator.topology
    guard topology.hostCount > 1 else { return [] }
    let before = (topology.hostIndex + topology.hostCount - 1) % topology.hostCount
    return topology.hosts[before].filter {
      topology.counterpart(of: $0, onHost: topology.hostIndex) == topology.rank
    }
  }

  /// Has memory made for one more of the two. Collective.
  ///
  /// - Returns: What the user should know where there is not enough.
  private func addSlot(recordByteCount needed: Int) throws -> String? {
    if slots.isEmpty {
      let most = try communicator.allGather([Double(needed)]).map { Int($0[0]) }.max() ?? needed
      // What is remembered in notes may grow.
      recordByteCount = (2 * most + 65_536 + 4095) / 4096 * 4096
    } else {
      // What the run went on from is not needed any more: one that is newer is complete.
      try dropPrevious()
    }
    let own = byteCount(of: communicator.rank, parameterCount: ownParameters.count)
    let copies = copied.map { (owner: $0, byteCount: byteCount(of: $0, parameterCount: 0)) }
    let need = copies.reduce(own) { $0 + $1.byteCount }
    if let notice = try missingMemory(need, count: slots.isEmpty && previous.isEmpty ? 2 : 1) {
      return notice
    }
    let slot = try? Slot(
      own: SnapshotShard(memory.make(byteCount: own).memory),
      copies: copies.map {
        ($0.owner, SnapshotShard(try memory.make(byteCount: $0.byteCount).memory))
      })
    let failed = try communicator.allGather([slot == nil ? 1 : 0]).firstIndex(of: [1])
    if let failed {
      return "rank \(failed) gets no memory for snapshots from its keeper: the run goes on without"
    }
    if let slot { slots.append(slot) }
    return nil
  }

  private func byteCount(of rank: Int, parameterCount: Int) -> Int {
    SnapshotShard.byteCount(
      recordByteCount: recordByteCount, valuesByteCount: valuesByteCount(of: rank),
      parameterCount: parameterCount)
  }

  /// - Parameter count: How many of this size are going to be needed. Collective.
  private func missingMemory(_ byteCount: Int, count: Int) throws -> String? {
    let topology = communicator.topology
    let available = topology.isLeader ? HostMemory.available : nil
    let all = try communicator.allGather([
      Double(byteCount * count), available.map(Double.init) ?? .infinity,
    ])
    for ranks in topology.hosts {
      let need = ranks.reduce(0) { $0 + all[$1][0] }
      let available = all[ranks.lowerBound][1]
      guard need > available else { continue }
      let host = communicator.watch.map { " on \($0.hostName(ofRank: ranks.lowerBound))" } ?? ""
      return "snapshots need \(ByteCount.text(need)) more memory\(host), where "
        + "\(ByteCount.text(available)) are available: the run goes on without them"
    }
    return nil
  }

  /// Gives the memory of what the run went on from back. Collective.
  private func dropPrevious() throws {
    if communicator.topology.isLeader { try? memory.drop(previous) }
    previous = []
    try communicator.barrier()
  }

  private func turnOff() {
    isOn = false
    slots = []
    guard communicator.topology.isLeader, let all = try? memory.list() else { return }
    try? memory.drop(all.map(\.number))
  }
}
