import LockstepParallelism

/// The part of a reduction that crosses ranks: each rank sums what it owns over all hosts.
///
/// A host's leaves make up a few nodes of the tree. For everything that a rank of another host
/// owns, one rank of this host sums the host's nodes and sends them: what a host does not own
/// leaves it once. The owner sums its own host's buffers and the nodes it received in one pass, in
/// tree order. What an owner owns travels in chunks, several of which are under way while the next is computed:
/// enough for a fast link with a long way.
///
/// With a single host a rank sums its parts where they are, and there is no message.
final class HostExchange {
  /// A partial sum of this host.
  struct Part {
    let node: Range<Int>
    /// [P], in shared memory.
    let values: UnsafePointer<Float>?
  }

  /// Blocks in a chunk: 1 MiB, so that several threads have work.
  private static let blocksPerChunk = 4
  private static let chunk = blocksPerChunk * SlicePartition.blockSize

  /// What a rank of another host owns, for which this rank sums and sends.
  private struct Outgoing {
    let owner: Int
    let chunks: [Range<Int>]
  }

  private let communicator: any Communicator
  private let partition: SlicePartition
  /// What this rank owns, as it travels.
  private let chunks: [Range<Int>]
  private let format: WireFormat

  /// The final sum; its sources are moved to each chunk in turn.
  private let total: TreeSum
  /// For each source of `total`: a buffer in shared memory, or the number of a received node.
  private let origins: [Origin]
  private enum Origin {
    case shared(UnsafePointer<Float>?)
    case received(Int)
  }

  private let outgoing: [Outgoing]
  /// This host's nodes, each as a sum over its ranks' buffers.
  private let hostNodes: [TreeSum]
  /// The rank that each received node comes from.
  private let senders: [Int]
  private let roundCount: Int
  /// Vectors that are sent or received in a round.
  private let stageCount: Int
  /// Elements of a chunk in `staging`.
  private let stageSize: Int
  /// Chunks under way: [rounds][stageCount][chunk], and where they are encoded as many messages.
  private let staging: MemorySegment
  /// One for each round under way.
  private let batches: [MessageBatch]

  init(
    communicator: any Communicator, tree: CanonicalTree, division: LeafDivision,
    partition: SlicePartition, rounding: NodeRounding, parts: [Part]
  ) throws {
    let topology = communicator.topology
    self.communicator = communicator
    self.partition = partition
    chunks = Self.chunks(of: topology.rank, in: partition)
    format = WireFormat(rounding.partialSums)

    var nodes: [Range<Int>] = []
    var origins: [Origin] = []
    var senders: [Int] = []
    for (host, ranks) in topology.hosts.enumerated() {
      if host == topology.hostIndex {
        nodes += parts.map(\.node)
        origins += parts.map { .shared($0.values) }
      } else {
        let sender = topology.counterpart(of: topology.rank, onHost: host)
        for node in tree.nodes(covering: division.leaves(of: ranks)) {
          nodes.append(node)
          origins.append(.received(senders.count))
          senders.append(sender)
        }
      }
    }
    let (additions, roots) = tree.additions(joining: nodes)
    precondition(roots == [0..<tree.leafCount], "parts must make up the tree, not \(roots)")
    total = TreeSum(
      origins.map { origin in
        guard case .shared(let values) = origin else { return nil }
        return values
      }, nodes: nodes, additions: additions, rounding: rounding, isRoot: true)
    self.origins = origins
    self.senders = senders
    hostNodes =
      topology.hostCount > 1 ? Self.hostNodes(of: parts, tree: tree, rounding: rounding) : []
    outgoing = (0..<topology.size).filter { owner in
      !topology.hostRanks.contains(owner)
        && topology.counterpart(of: owner, onHost: topology.hostIndex) == topology.rank
    }.map { Outgoing(owner: $0, chunks: Self.chunks(of: $0, in: partition)) }

    let all = (0..<topology.size).map { Self.chunks(of: $0, in: partition) }
    roundCount = all.map(\.count).max() ?? 0
    stageCount = senders.count + outgoing.count * hostNodes.count
    stageSize = all.joined().map(\.count).max() ?? 0
    // A link that is as long as its speed wants more than one chunk at a time on it. With many hosts
    // there are many chunks in a round.
    let depth = min(max(2, 16 / max(1, stageCount)), 8, max(1, roundCount))
    batches = (0..<depth).map { _ in MessageBatch() }
    staging = try MemorySegment(
      privateByteCount: depth * stageCount
        * (stageSize * MemoryLayout<Float>.stride
          + (format.isPlain ? 0 : format.byteCount(stageSize))),
      rank: topology.rank)
  }

  /// What a rank owns, cut into chunks, from the end of the buffer to its begin, as a backward pass computes it.
  private static func chunks(of rank: Int, in partition: SlicePartition) -> [Range<Int>] {
    partition.chunks(of: rank, size: chunk).reversed()
  }

  /// Groups a host's parts into the largest nodes of the tree that they make up.
  private static func hostNodes(
    of parts: [Part], tree: CanonicalTree, rounding: NodeRounding
  ) -> [TreeSum] {
    let (additions, nodes) = tree.additions(joining: parts.map(\.node))
    return nodes.map { node in
      let members = parts.indices.filter { node.contains(parts[$0].node.lowerBound) }
      return TreeSum(
        members.map { parts[$0].values }, nodes: members.map { parts[$0].node },
        additions: members.map { additions[$0] }, rounding: rounding)
    }
  }

  // MARK: One reduction

  /// Rounds whose messages were started, and rounds whose chunk is summed.
  private var begun = 0
  private var completed = 0

  /// Sums what this rank owns into the same place of `target`, [P], with the squares of its blocks: all
  /// of it, or what is not summed yet since `begin()`.
  ///
  /// All ranks have met since the last reduction, and meet again before the next.
  ///
  /// - Parameters:
  ///   - pool: Threads that share the sums; nil: the caller alone.
  ///   - besideWork: Whether another thread of this rank computes meanwhile: the caller stays out of its
  ///     way, and its waits are not the rank's.
  ///   - firstFinal: The first element of those, up to the last, that no rank of this host changes any more.
  ///   - isToStop: Asked between two rounds: whether another thread goes on in place of this one.
  func sum(
    into target: UnsafeMutableBufferPointer<Float>, squares: UnsafeMutableBufferPointer<Double>,
    pool: ThreadPool?, besideWork: Bool = false, firstFinal: () -> Int,
    isToStop: () -> Bool = { false }
  ) throws {
    guard let target = target.baseAddress else { return }
    if communicator.topology.hostCount == 1 {
      for part in partition.parts(of: communicator.rank) {
        point(to: part.lowerBound)
        sum(part, into: target, squares: squares, pool: pool)
      }
      return
    }
    let initial = besideWork ? Patience.napping : Patience()
    var patience = initial
    while completed < roundCount, !isToStop() {
      let isFinal = firstFinal()
      if begun < min(roundCount, completed + batches.count),
        isFinal <= firstElement(sentIn: begun)
      {
        try begin(begun, pool: pool)
        begun += 1
      } else if completed < begun, try communicator.progress(batches[completed % batches.count]),
        isFinal <= firstElement(summedIn: completed)
      {
        complete(completed, into: target, squares: squares, pool: pool)
        completed += 1
      } else {
        try communicator.pause(&patience, besideWork: besideWork, waitingFor: awaited)
        continue
      }
      patience = initial
    }
  }

  /// Makes ready for the next reduction.
  func begin() { (begun, completed) = (0, 0) }

  /// The ranks that this one waits for: those whose messages are to come, and its host's.
  private var awaited: [Int] {
    Set(batches.filter(\.isUnderWay).flatMap { $0.messages.map(\.peer) })
      .union(communicator.topology.hostRanks).subtracting([communicator.rank]).sorted()
  }

  private func firstElement(sentIn round: Int) -> Int {
    outgoing.map { Self.chunk(round, of: $0.chunks) }.filter { !$0.isEmpty }.map(\.lowerBound)
      .min() ?? Int.max
  }

  private func firstElement(summedIn round: Int) -> Int {
    let elements = Self.chunk(round, of: chunks)
    return elements.isEmpty ? Int.max : elements.lowerBound
  }

  /// The elements that travel in a round; none where an owner has fewer chunks than others.
  private static func chunk(_ round: Int, of chunks: [Range<Int>]) -> Range<Int> {
    round < chunks.count ? chunks[round] : 0..<0
  }

  /// A chunk as floats.
  private func stage(_ round: Int, _ index: Int) -> UnsafeMutableBufferPointer<Float> {
    let floats = staging.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
    let place = round % batches.count * stageCount + index
    return UnsafeMutableBufferPointer(
      start: floats.map { $0 + place * stageSize }, count: stageSize)
  }

  /// What travels of a chunk of `count` elements.
  private func message(_ round: Int, _ index: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    guard !format.isPlain else {
      return UnsafeMutableRawBufferPointer(
        UnsafeMutableBufferPointer(rebasing: stage(round, index)[..<count]))
    }
    let floats = batches.count * stageCount * stageSize * MemoryLayout<Float>.stride
    let place = round % batches.count * stageCount + index
    return UnsafeMutableRawBufferPointer(
      start: staging.bytes.baseAddress.map { $0 + floats + place * format.byteCount(stageSize) },
      count: format.byteCount(count))
  }

  /// Sums the nodes that other hosts need in this round, and starts all its messages.
  private func begin(_ round: Int, pool: ThreadPool?) throws {
    let batch = batches[round % batches.count]
    batch.removeAll()
    let incoming = Self.chunk(round, of: chunks)
    for (index, sender) in senders.enumerated() {
      batch.receive(into: message(round, index, count: incoming.count), from: sender)
    }
    let blocks = Self.blocksPerChunk
    pool.run(tasks: outgoing.count * hostNodes.count * blocks) { [self] task in
      let (pair, block) = task.quotientAndRemainder(dividingBy: blocks)
      let (place, node) = pair.quotientAndRemainder(dividingBy: hostNodes.count)
      let elements = Self.chunk(round, of: outgoing[place].chunks)
      let first = block * SlicePartition.blockSize
      let count = min(SlicePartition.blockSize, elements.count - first)
      guard count > 0, let values = stage(round, senders.count + pair).baseAddress else { return }
      hostNodes[node](into: values + first, start: elements.lowerBound + first, count: count)
      let message = message(round, senders.count + pair, count: elements.count)
      if let bytes = message.baseAddress {
        format.encode(values, first..<first + count, of: elements.count, into: bytes)
      }
    }
    for (place, other) in outgoing.enumerated() {
      let count = Self.chunk(round, of: other.chunks).count
      for node in hostNodes.indices {
        let index = senders.count + place * hostNodes.count + node
        batch.send(
          UnsafeRawBufferPointer(message(round, index, count: count)), to: other.owner)
      }
    }
    try communicator.start(batch)
  }

  /// Sums the chunk of what this rank owns whose messages have come.
  private func complete(
    _ round: Int, into target: UnsafeMutablePointer<Float>,
    squares: UnsafeMutableBufferPointer<Double>, pool: ThreadPool?
  ) {
    let elements = Self.chunk(round, of: chunks)
    point(to: elements.lowerBound, round: round)
    if !format.isPlain { decode(round, count: elements.count, pool: pool) }
    sum(elements, into: target, squares: squares, pool: pool)
  }

  /// Lets the sources of `total` begin at an element; what came from other hosts, at the chunk of a round.
  private func point(to element: Int, round: Int = 0) {
    for (index, origin) in origins.enumerated() {
      switch origin {
      case .shared(let values): total.sources[index] = values?.advanced(by: element)
      case .received(let number):
        total.sources[index] = UnsafePointer(stage(round, number).baseAddress)
      }
    }
  }

  /// Makes floats of what came.
  private func decode(_ round: Int, count: Int, pool: ThreadPool?) {
    pool.run(tasks: senders.count) { [self] index in
      guard let bytes = message(round, index, count: count).baseAddress,
        let values = stage(round, index).baseAddress
      else { return }
      format.decode(bytes, count: count, into: values)
    }
  }

  /// Evaluates the tree for whole blocks, to whose begin the sources of `total` point.
  private func sum(
    _ elements: Range<Int>, into target: UnsafeMutablePointer<Float>,
    squares: UnsafeMutableBufferPointer<Double>, pool: ThreadPool?
  ) {
    let firstBlock = elements.lowerBound / SlicePartition.blockSize
    let blockCount =
      (elements.count + SlicePartition.blockSize - 1) / SlicePartition.blockSize
    pool.run(tasks: blockCount) { [total, partition] task in
      let block = partition.elements(ofBlock: firstBlock + task)
      squares[firstBlock + task] = total.withSquares(
        into: target + block.lowerBound, start: block.lowerBound - elements.lowerBound,
        count: block.count, element: block.lowerBound)
    }
  }
}
