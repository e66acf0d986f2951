import LockstepParallelism

/// The reduction whose bits do not depend on which rank computes what: sums follow the `CanonicalTree` over
/// the micro-batches of a step, on any number of ranks, hosts and threads.
///
/// Gradients live in memory that the host's ranks share. A rank folds its micro-batches into a few
/// partial sums (`FoldPlan`); `reduce` then evaluates, for the parts that it owns, the rest of the tree
/// straight out of its neighbours' buffers, element by element in one pass, with the sum of squares of
/// each block of 65,536 on the way. Other hosts' partial sums for these parts come as messages
/// (`HostExchange`) and take their place in the same tree.
///
/// Between hosts, what the last micro-batch's backward pass has finished can travel while that goes on:
/// `beginLast` and `report`. The sums, and their order, are the same.
///
/// After initialisation no memory is allocated.
public final class CanonicalReduction: GradientReduction {
  public let ownedLeaves: Range<Int>
  public let partition: SlicePartition

  let communicator: any Communicator
  let tree: CanonicalTree
  /// Which rank computes which of a step's micro-batches.
  package let division: LeafDivision
  let plan: FoldPlan
  let ledger: StepLedger
  /// This rank's buffers, [P] each.
  let buffers: [UnsafeMutableBufferPointer<Float>]
  /// What to do after each owned leaf; nil where nothing can be joined yet.
  private let joins: [TreeSum?]
  private let rounding: NodeRounding
  private let exchange: HostExchange
  private let gradients: SharedMemory
  private let pool: ThreadPool?
  private var foldedCount = 0
  /// With several hosts: the element from which on each rank's last gradient is final.
  private let progress: HostProgress?
  private var thread: BackgroundThread?

  /// Allocates all buffers. Collective.
  ///
  /// - Parameters:
  ///   - elementCount: P, the number of parameters.
  ///   - division: Which rank computes which of the M micro-batches of an optimiser step.
  ///   - scalarCount: Numbers that each micro-batch brings along to be summed. Default: none.
  ///   - partialSums: How the tree's nodes are kept and sent. Decides the result. Default: as they are.
  ///   - layout: Where in the gradient each rank's parts lie. Default: one slice for each.
  ///   - pool: Threads that share the work. Bits do not depend on them. Default: the caller only.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  public init(
    communicator: any Communicator, elementCount: Int, division: LeafDivision,
    scalarCount: Int = 0,
    partialSums: PartialSums = .float32, layout: SlicePartition.Layout = .contiguous,
    pool: ThreadPool? = nil
  ) throws {
    let topology = communicator.topology
    let tree = CanonicalTree(leafCount: division.leafCount)
    precondition(division.size == topology.size, "\(division) is not for \(topology.size) ranks")
    self.communicator = communicator
    self.tree = tree
    self.division = division
    self.pool = pool
    ownedLeaves = division.leaves(of: topology.rank)
    partition = SlicePartition(
      elementCount: elementCount, size: topology.size, layout: layout)
    plan = FoldPlan(tree: tree, owned: ownedLeaves)

    let rounding = NodeRounding(partialSums)
    self.rounding = rounding

    let stride = Self.stride(elementCount)
    gradients = try communicator.allocateShared(
      byteCount: plan.bufferCount * stride * MemoryLayout<Float>.stride)
    let own = gradients.segments[topology.localRank].bindMemory(to: Float.self)
    let buffers = (0..<plan.bufferCount).map {
      UnsafeMutableBufferPointer(rebasing: own[$0 * stride..<$0 * stride + elementCount])
    }
    self.buffers = buffers
    joins = zip(ownedLeaves, plan.leaves).map { place, leaf in
      guard !leaf.joined.isEmpty else { return nil }
      let sources = (leaf.joined + [leaf.buffer]).map { UnsafePointer(buffers[$0].baseAddress) }
      let additions = leaf.joined.map { _ in UInt8(0) } + [UInt8(leaf.joined.count)]
      return TreeSum(
        sources, nodes: leaf.joinedNodes + [place..<place + 1], additions: additions,
        rounding: rounding)
    }
    exchange = try HostExchange(
      communicator: communicator, tree: tree, division: division, partition: partition,
      rounding: rounding,
      parts: Self.parts(
        of: gradients, tree: tree, division: division, topology: topology, stride: stride))
    progress = topology.hostCount > 1 ? try HostProgress(communicator: communicator) : nil
    ledger = try StepLedger(
      communicator: communicator, tree: tree, division: division, partition: partition,
      scalarCount: scalarCount)
  }

  /// As evenly divided as can be.
  ///
  /// - Parameter leafCount: M, the micro-batches of an optimiser step over all ranks; at least N.
  public convenience init(
    communicator: any Communicator, elementCount: Int, leafCount: Int, scalarCount: Int = 0,
    partialSums: PartialSums = .float32, layout: SlicePartition.Layout = .contiguous,
    pool: ThreadPool? = nil
  ) throws {
    try self.init(
      communicator: communicator, elementCount: elementCount,
      division: LeafDivision(leafCount: leafCount, size: communicator.size),
      scalarCount: scalarCount, partialSums: partialSums, layout: layout, pool: pool)
  }

  /// Elements from one buffer to the next: whole pages, and never none.
  private static func stride(_ elementCount: Int) -> Int {
    max(1024, (elementCount + 1023) / 1024 * 1024)
  }

  /// The partial sums that this host's ranks will have when all have folded, from left to right.
  private static func parts(
    of gradients: SharedMemory, tree: CanonicalTree, division: LeafDivision, topology: Topology,
    stride: Int
  ) -> [HostExchange.Part] {
    topology.hostRanks.flatMap { rank in
      let floats = gradients.segments[rank - topology.leader].bindMemory(to: Float.self)
      let plan = FoldPlan(tree: tree, owned: division.leaves(of: rank))
      return plan.pending.map { pending in
        let values = UnsafePointer(floats.baseAddress)?.advanced(by: pending.buffer * stride)
        return HostExchange.Part(node: pending.node, values: values)
      }
    }
  }

  public func begin(_ draws: StepDraws) {
    precondition(foldedCount == 0 && thread == nil, "a step's draws are told before its first fold")
    rounding.draws = draws
  }

  public var leafBuffer: UnsafeMutableBufferPointer<Float> {
    precondition(
      foldedCount < plan.leaves.count,
      "all \(plan.leaves.count) micro-batches of this rank are folded: reduce first")
    return buffers[plan.leaves[foldedCount].buffer]
  }

  public func fold(scalars: [Double] = []) {
    precondition(foldedCount < plan.leaves.count, "this rank has no more micro-batches")
    let leaf = plan.leaves[foldedCount]
    if let join = joins[foldedCount], let target = buffers[leaf.joined[0]].baseAddress {
      pool.run(tasks: partition.blockCount) { [partition] block in
        let elements = partition.elements(ofBlock: block)
        join(
          into: target + elements.lowerBound, start: elements.lowerBound, count: elements.count)
      }
    }
    ledger.enter(scalars, leaf: ownedLeaves.lowerBound + foldedCount)
    foldedCount += 1
  }

  public func reduce(flag: Int) throws -> ReducedGradient {
    precondition(
      foldedCount == plan.leaves.count,
      "\(foldedCount) of \(plan.leaves.count) micro-batches are folded")
    foldedCount = 0
    let target = self.target
    progress?.report(0)
    if let thread {
      self.thread = nil
      try thread.end()
    } else {
      exchange.begin()
      try communicator.meet(call)
    }
    try exchange.sum(
      into: target, squares: ledger.blockSquares, pool: pool,
      firstFinal: { progress?.largest ?? 0 })
    return try ledger.close(
      parts: partition.parts(of: communicator.rank), values: target, flag: flag)
  }

  // MARK: While the last gradient is computed

  /// Nobody else reads what this rank owns of this buffer: the result can take its place.
  private var target: UnsafeMutableBufferPointer<Float> { buffers[plan.pending[0].buffer] }

  private var call: CollectiveCall {
    CollectiveCall(.reduce, byteCount: partition.elementCount * 4)
  }

  public func beginLast() -> Bool {
    guard let progress, foldedCount == plan.leaves.count - 1, thread == nil else { return false }
    progress.report(partition.elementCount)
    let (exchange, target, squares) = (exchange, target, ledger.blockSquares)
    let (communicator, call) = (communicator, call)
    exchange.begin()
    thread = BackgroundThread { isToStop in
      try communicator.meet(call)
      try exchange.sum(
        into: target, squares: squares, pool: nil, besideWork: true,
        firstFinal: { progress.largest }, isToStop: isToStop)
    }
    return thread != nil
  }

  public func report(firstFinal: Int) { progress?.report(firstFinal) }
}
