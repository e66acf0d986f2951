/// Messages between threads: the receiver copies out of the sender's buffer.
final class Mailboxes: Sendable {
  private struct Letter {
    let address: UInt
    let byteCount: Int
  }

  /// The traffic from one rank to another, numbered on both sides in the order of posting.
  private final class Box: Sendable {
    struct State {
      var sentCount = 0
      var expectedCount = 0
      var waiting: [Int: Letter] = [:]
      /// Copied, but the sender has not asked yet.
      var delivered = Set<Int>()
    }
    let state = Locked(State())
  }

  private let size: Int
  private let boxes: [Box]

  init(size: Int) {
    self.size = size
    boxes = (0..<size * size).map { _ in Box() }
  }

  private func box(from source: Int, to destination: Int) -> Box {
    boxes[source * size + destination]
  }

  /// Posts a message; returns its number.
  func post(_ bytes: UnsafeMutableRawPointer, byteCount: Int, from source: Int, to peer: Int) -> Int
  {
    let letter = Letter(address: UInt(bitPattern: bytes), byteCount: byteCount)
    return box(from: source, to: peer).state.withLock { state in
      state.waiting[state.sentCount] = letter
      state.sentCount += 1
      return state.sentCount - 1
    }
  }

  /// Reserves the next message from `source`; returns its number.
  func expect(from source: Int, to destination: Int) -> Int {
    box(from: source, to: destination).state.withLock { state in
      state.expectedCount += 1
      return state.expectedCount - 1
    }
  }

  /// True once the receiver has copied message `number`. Asked until true, then never again.
  func isDelivered(_ number: Int, from source: Int, to peer: Int) -> Bool {
    box(from: source, to: peer).state.withLock { $0.delivered.remove(number) != nil }
  }

  /// Copies message `number` if it has been posted.
  func receive(
    _ number: Int, into bytes: UnsafeMutableRawPointer, byteCount: Int, from source: Int,
    to destination: Int
  ) -> Bool {
    let target = UInt(bitPattern: bytes)
    return box(from: source, to: destination).state.withLock { state in
      guard let letter = state.waiting.removeValue(forKey: number) else { return false }
      precondition(
        letter.byteCount == byteCount,
        "rank \(source) sent \(letter.byteCount) bytes, rank \(destination) expected \(byteCount)")
      if let from = UnsafeRawPointer(bitPattern: letter.address) {
        UnsafeMutableRawPointer(bitPattern: target)?.copyMemory(from: from, byteCount: byteCount)
      }
      state.delivered.insert(number)
      return true
    }
  }
}

/// A rank that is a thread: memory is shared anyway, messages are copies.
final class InProcessTransport: Transport {
  let topology: Topology
  private let group: InProcessGroup
  /// The group's number of each rank: their own, or those of the part that this is.
  private let members: [Int]

  init(group: InProcessGroup, topology: Topology, members: [Int]? = nil) {
    self.group = group
    self.topology = topology
    self.members = members ?? Array(0..<topology.size)
  }

  func split(color: Int, members part: [Int], topology: Topology) throws -> any Transport {
    InProcessTransport(group: group, topology: topology, members: part.map { members[$0] })
  }

  func start(_ batch: MessageBatch) throws {
    let rank = members[topology.rank]
    batch.tickets.removeAll(keepingCapacity: true)
    for message in batch.messages {
      let peer = members[message.peer]
      switch message.direction {
      case .send:
        let number = group.mailboxes.post(
          message.bytes, byteCount: message.byteCount, from: rank, to: peer)
        batch.tickets.append(number)
      case .receive:
        batch.tickets.append(group.mailboxes.expect(from: peer, to: rank))
      }
    }
  }

  /// The ticket of a message that is done.
  private static let done = -1

  func progress(_ batch: MessageBatch) throws -> Bool {
    let rank = members[topology.rank]
    var isFinished = true
    for (index, message) in batch.messages.enumerated() where batch.tickets[index] != Self.done {
      let number = batch.tickets[index]
      let peer = members[message.peer]
      let isDone =
        switch message.direction {
        case .send:
          group.mailboxes.isDelivered(number, from: rank, to: peer)
        case .receive:
          group.mailboxes.receive(
            number, into: message.bytes, byteCount: message.byteCount, from: peer, to: rank)
        }
      if isDone { batch.tickets[index] = Self.done } else { isFinished = false }
    }
    return isFinished
  }

  var availableMemory: Int? { HostMemory.available }

  func makeSegment(byteCount: Int) throws -> (segment: MemorySegment, name: [UInt64]) {
    let segment = try MemorySegment(privateByteCount: byteCount, rank: topology.rank)
    group.keep(segment)
    let address = UInt64(UInt(bitPattern: segment.bytes.baseAddress))
    return (segment, [address, UInt64(byteCount), 0])
  }

  func openSegment(named name: [UInt64]) throws -> MemorySegment {
    try group.segment(at: UInt(name[0]), byteCount: Int(name[1]))
  }

  func forgetNames() {}

  func checkPeers(waited: Duration, step: Int, call: CollectiveCall) throws {
    if let failure = group.failure { throw failure }
  }

  /// Rank order: rank r sums its share of the elements over all ranks, then all copy the shares.
  func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Float>, barrier: () throws -> Void
  ) throws {
    guard let base = values.baseAddress else { return }
    group.publish(address: UInt(bitPattern: base), rank: members[topology.rank])
    try barrier()
    let addresses = group.addresses
    let vectors = members.compactMap { UnsafeMutablePointer<Float>(bitPattern: addresses[$0]) }
    let size = topology.size
    func share(of rank: Int) -> Range<Int> {
      rank * values.count / size..<(rank + 1) * values.count / size
    }
    for index in share(of: topology.rank) {
      var sum = vectors[0][index]
      for vector in vectors.dropFirst() { sum += vector[index] }
      base[index] = sum
    }
    try barrier()
    for rank in 0..<size where rank != topology.rank {
      for index in share(of: rank) { base[index] = vectors[rank][index] }
    }
    try barrier()
  }

  func abort(because error: any Error, exitCode: Int32, isReporter: Bool) {
    if let error = error as? CommunicationError {
      group.fail(error)
    } else {
      group.fail(.failedPeer(rank: members[topology.rank], message: "\(error)"))
    }
  }
}
