import LockstepCommunication
import LockstepOptimization
import LockstepParallelism

/// The outer step along the largest elements of each worker's change (SparseLoCo):
///
///     change = parameters - worker's parameters + decay · what the worker has not sent
///     sent   = the largest elements of each block of the change, in eight bits
///     parameters -= learning rate / K · (((sent₀ + sent₁) + sent₂) + …)
///
/// What all workers send comes to every host, and each host moves all parameters by itself: they need not
/// travel. The groups' first ranks send; those and the first rank of each host share out their host's blocks.
final class SparseChanges: OuterMethod {
  private let replica: Replica
  private let format: SparseFormat
  private let workerCount: Int
  /// Learning rate / K.
  private let factor: Float
  private let groups: WorkerGroups
  /// The workers that this rank plays and speaks for.
  private let ownWorkers: Range<Int>
  /// The ranks that move parameters; on others, the others.
  private let movers: any Communicator
  private let isMover: Bool
  /// The rank among `movers` of the first rank of each group.
  private let senders: [Int]
  /// What all workers send, one after the other.
  private let messages: MemorySegment
  /// The blocks that this rank moves.
  private let ownBlocks: Range<Int>

  /// Allocates the messages. Collective.
  init(
    _ rule: SparseOuterStep, format: SparseFormat, replica: Replica, groups: WorkerGroups,
    communicator: any Communicator
  ) throws {
    self.replica = replica
    self.format = format
    self.groups = groups
    workerCount = groups.workerCount
    factor = Float(rule.learningRate) / Float(groups.workerCount)
    let leaders = groups.leaders
    let members = Set(leaders).union(communicator.topology.hosts.map(\.lowerBound)).sorted()
    isMover = members.contains(communicator.rank)
    movers = try communicator.split(color: isMover ? 0 : 1)
    senders = leaders.compactMap(members.firstIndex(of:))
    ownWorkers =
      leaders.contains(communicator.rank)
      ? groups.workers(of: groups.group(ofRank: communicator.rank)) : 0..<0
    messages = try communicator.agree { [isMover] in
      try MemorySegment(
        privateByteCount: isMover ? groups.workerCount * format.byteCount : 0,
        rank: communicator.rank)
    }
    let (place, count) = (movers.topology.localRank, movers.topology.localSize)
    ownBlocks =
      isMover
      ? place * format.blockCount / count..<(place + 1) * format.blockCount / count : 0..<0
  }

  /// What is left of a worker's changes is the worker's state.
  var states: [OptimizerState] { [] }

  func move(
    _ parameters: UnsafeMutableBufferPointer<Float>, by workers: [Worker], step: Int, round: Int
  ) throws {
    guard isMover, let values = parameters.baseAddress else { return }
    movers.step = step
    for (worker, index) in zip(workers, ownWorkers) {
      worker.takeLargest(from: parameters, into: message(of: index))
    }
    try exchange()
    let (format, factor, workerCount) = (format, factor, workerCount)
    replica.workspace.threads.run(tasks: ownBlocks.count) { task in
      let block = ownBlocks.lowerBound + task
      withUnsafeTemporaryAllocation(of: Float.self, capacity: SparseFormat.blockSize) { sum in
        guard let total = sum.baseAddress else { return }
        sum.initialize(repeating: 0)
        for worker in 0..<workerCount { format.add(block, of: message(of: worker), to: total) }
        for (place, element) in format.elements(ofBlock: block).enumerated() {
          values[element] -= factor * total[place]
        }
      }
    }
  }

  /// Brings the messages of all workers to all that move parameters. When it returns, nobody reads their
  /// changes any more.
  private func exchange() throws {
    try movers.meet(CollectiveCall(.allGather, byteCount: messages.bytes.count))
    let batch = MessageBatch()
    for (group, sender) in senders.enumerated() {
      let workers = groups.workers(of: group)
      let bytes = UnsafeMutableRawBufferPointer(
        start: message(of: workers.lowerBound), count: workers.count * format.byteCount)
      if sender != movers.rank {
        batch.receive(into: bytes, from: sender)
      } else {
        for peer in 0..<movers.size where peer != sender {
          batch.send(UnsafeRawBufferPointer(bytes), to: peer)
        }
      }
    }
    try movers.exchange(batch)
  }

  private func message(of worker: Int) -> UnsafeMutableRawPointer {
    guard let base = messages.bytes.baseAddress else {
      preconditionFailure("this rank moves no parameters")
    }
    return base + worker * format.byteCount
  }

  func share(contributing words: [UInt64]) throws -> [[UInt64]] {
    try replica.shared.settle(contributing: words)
  }
}
