import LockstepCommunication
import Testing

@Suite struct CollectivesTests {
  struct Group: Sendable, CustomStringConvertible {
    var size: Int
    var ranksPerHost: Int
    var description: String { "\(size) ranks, \(ranksPerHost) a host" }
  }
  static let groups = [
    (1, 1), (2, 2), (3, 1), (4, 2), (5, 3), (8, 8),
  ].map(Group.init(size:ranksPerHost:))

  private func run<Result: Sendable>(
    _ group: Group, _ body: @escaping @Sendable (any Communicator) throws -> Result
  ) throws -> [Result] {
    try InProcessGroup(size: group.size, ranksPerHost: group.ranksPerHost).run(body)
  }

  @Test(arguments: groups)
  func everyRootCanBroadcast(group: Group) throws {
    let received = try run(group) { communicator in
      try (0..<communicator.size).map { root in
        var bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* (communicator.rank + 1)) }
        try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
        return bytes
      }
    }
    for values in received {
      for (root, bytes) in values.enumerated() {
        #expect(bytes == (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* (root + 1)) })
      }
    }
  }

  @Test(arguments: groups)
  func allGatherKeepsRankOrderAndBits(group: Group) throws {
    let gathered = try run(group) { communicator in
      try communicator.allGather((0..<70).map { Double(communicator.rank) + Double($0) / 3 })
    }
    let expected = (0..<group.size).map { rank in (0..<70).map { Double(rank) + Double($0) / 3 } }
    #expect(gathered.allSatisfy { $0 == expected })
    let empty = try run(group) { try $0.allGather([]) }
    #expect(empty.allSatisfy { $0.allSatisfy(\.isEmpty) })
  }

  @Test(arguments: groups)
  func sharedMemoryIsSeenByTheRanksOfAHost(group: Group) throws {
    _ = try run(group) { communicator in
      let topology = communicator.topology
      // Rank r contributes r bytes: the first rank none.
      let memory = try communicator.allocateShared(byteCount: topology.rank)
      memory.segments[topology.localRank].copyBytes(
        from: repeatElement(UInt8(topology.rank), count: topology.rank))
      try communicator.barrier()
      #expect(memory.segments.count == topology.localSize)
      for (localRank, segment) in memory.segments.enumerated() {
        let rank = topology.leader + localRank
        #expect(Array(segment) == Array(repeating: UInt8(rank), count: rank))
      }
      try communicator.barrier()
    }
  }

  @Test(arguments: groups)
  func sharedParametersReachEveryHost(group: Group) throws {
    let elementCount = 9 * SlicePartition.blockSize + 5
    _ = try run(group) { communicator in
      let parameters = try SharedParameters(
        communicator: communicator, elementCount: elementCount)
      let root = communicator.size - 1
      if communicator.rank == root {
        for index in parameters.values.indices { parameters.values[index] = Float(index) }
      }
      try parameters.broadcast(from: root)
      #expect(parameters.values.elementsEqual((0..<elementCount).map(Float.init)))
      try communicator.barrier()
      for _ in 0..<2 {
        for index in parameters.partition.slice(of: communicator.rank) {
          parameters.values[index] += 1
        }
        try parameters.share()
      }
      #expect(parameters.values.elementsEqual((0..<elementCount).map { Float($0 + 2) }))
      try communicator.barrier()
    }
  }

  /// In the background, elements arrive from the first to the last, and whoever asks for all of them, or meets
  /// the others, waits for all.
  @Test(arguments: groups)
  func parametersOnTheirWayArriveInOrder(group: Group) throws {
    let elementCount = 70 * SlicePartition.blockSize + 5
    _ = try run(group) { communicator in
      let parameters = try SharedParameters(
        communicator: communicator, elementCount: elementCount, layout: .interleaved)
      let memory = parameters.memory.segments[0].bindMemory(to: Float.self)
      for round in 1...6 {
        for part in parameters.partition.parts(of: communicator.rank) {
          for block in stride(from: part.lowerBound, to: part.upperBound, by: 4_096) {
            memory[block] = Float(block % 1000 + round)
          }
        }
        let words = try parameters.share(
          contributing: [UInt64(communicator.rank)], inBackground: round > 1)
        #expect(words == (0..<communicator.size).map { [UInt64($0)] })
        func isThere(_ elements: Range<Int>) -> Bool {
          let first = (elements.lowerBound + 4_095) / 4_096 * 4_096
          return stride(from: first, to: elements.upperBound, by: 4_096)
            .allSatisfy { memory[$0] == Float($0 % 1000 + round) }
        }
        switch round % 3 {
        case 0:
          for end in stride(from: 100_000, to: elementCount, by: 600_000) {
            parameters.arrive(upTo: end)
            #expect(isThere(end - 100_000..<end))
          }
        case 1: #expect(parameters.values.count == elementCount && isThere(0..<elementCount))
        default: break
        }
        try communicator.barrier()
        #expect(isThere(0..<elementCount))
        // Nobody writes before all have looked.
        try communicator.barrier()
      }
    }
  }

  @Test(arguments: groups, [1_000, 100_000])
  func scatteredSlicesAreGatheredUnchanged(group: Group, chunk: Int) throws {
    let elementCount = 3 * SlicePartition.blockSize + 1
    let gathered = try run(group) { communicator in
      let partition = SlicePartition(elementCount: elementCount, size: communicator.size)
      let slice = partition.slice(of: communicator.rank)
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: slice.count)
      defer { memory.deallocate() }
      try communicator.scatter(
        into: memory, owners: partition.elementOwners, chunkElementCount: chunk
      ) {
        start, chunk in
        for index in chunk.indices { chunk[index] = Float(start + index) }
      }
      #expect(memory.elementsEqual(slice.map(Float.init)))
      var whole: [Float] = []
      try communicator.gather(
        UnsafeBufferPointer(memory), owners: partition.elementOwners, chunkElementCount: chunk
      ) { start, chunk in
        #expect(start == whole.count)
        whole += chunk
      }
      return whole
    }
    #expect(gathered[0] == (0..<elementCount).map(Float.init))
    #expect(gathered.dropFirst().allSatisfy { $0.isEmpty })
  }

  @Test(arguments: groups)
  func askingForMoreMemoryThanThereIsFailsOnAllRanks(group: Group) throws {
    let errors = try run(group) { communicator in
      // Only the last rank asks; its host can not give it.
      let byteCount = communicator.rank == group.size - 1 ? 1 << 50 : 8
      return #expect(throws: CommunicationError.self) {
        _ = try communicator.allocateShared(byteCount: byteCount)
      }
    }
    for error in errors {
      guard case .outOfMemory(let byteCount, _, let ranks)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(byteCount >= 1 << 50)
      #expect(ranks.contains(group.size - 1))
    }
  }

  @Test func batchesMatchInTheOrderOfPosting() throws {
    let received = try InProcessGroup(size: 2, ranksPerHost: 1).run { communicator in
      var values = (0..<4).map { UInt8($0 + 10 * communicator.rank) }
      let peer = 1 - communicator.rank
      var answers = [UInt8](repeating: 0, count: 4)
      let batches = [MessageBatch(), MessageBatch()]
      try values.withUnsafeMutableBytes { values in
        try answers.withUnsafeMutableBytes { answers in
          for (place, batch) in batches.enumerated() {
            for index in [2 * place, 2 * place + 1] {
              let one = index..<index + 1
              batch.send(UnsafeRawBufferPointer(rebasing: values[one]), to: peer)
              batch.receive(into: UnsafeMutableRawBufferPointer(rebasing: answers[one]), from: peer)
            }
            try communicator.start(batch)
          }
          // Finished in another order than started.
          for batch in batches.reversed() { try communicator.finish(batch) }
        }
      }
      return answers
    }
    #expect(received == [[10, 11, 12, 13], [0, 1, 2, 3]])
  }

  @Test func slicesAreBalancedWholeBlocks() {
    for (elementCount, size) in [(0, 3), (1, 2), (65_537, 2), (1_000_000, 7), (124_439_808, 6)] {
      let partition = SlicePartition(elementCount: elementCount, size: size)
      let slices = (0..<size).map(partition.slice(of:))
      #expect(slices.first?.lowerBound == 0)
      #expect(slices.last?.upperBound == elementCount)
      for (left, right) in zip(slices, slices.dropFirst()) {
        #expect(left.upperBound == right.lowerBound)
        #expect(right.isEmpty || right.lowerBound % SlicePartition.blockSize == 0)
      }
      let counts = (0..<size).map(partition.blockCount(of:))
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }
  }

  @Test func interleavedPartsAreBalancedAndAllOverTheBuffer() {
    for (elementCount, size) in [(0, 3), (1, 2), (65_537, 2), (10_000_000, 7), (124_439_808, 6)] {
      let partition = SlicePartition(elementCount: elementCount, size: size, layout: .interleaved)
      let parts = partition.elementOwners.parts
      #expect(partition.elementOwners.elementCount == elementCount)
      for (left, right) in zip(parts, parts.dropFirst()) {
        #expect(left.elements.upperBound == right.elements.lowerBound)
        #expect(right.elements.lowerBound % SlicePartition.blockSize == 0)
      }
      let counts = (0..<size).map(partition.blockCount(of:))
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
      for part in parts {
        #expect(
          partition.owner(ofBlock: part.elements.lowerBound / SlicePartition.blockSize)
            == part.owner)
      }
      guard elementCount > 10_000_000 else { continue }
      // Every fifteenth of the buffer has elements of every rank.
      let length = elementCount / 15
      for start in stride(from: 0, through: elementCount - length, by: length) {
        let owners = parts.filter { $0.elements.overlaps(start..<start + length) }
        #expect(Set(owners.map(\.owner)).count == size)
      }
    }
  }

  @Test func someRanksCanOwnAllSlices() {
    let partition = SlicePartition(elementCount: 300_000, size: 5, owners: [0, 3])
    #expect(
      (0..<5).map(partition.slice(of:)) == [
        0..<131_072, 131_072..<131_072, 131_072..<131_072, 131_072..<300_000, 300_000..<300_000,
      ])
  }

  /// Else a rank could read what another one is writing.
  @Test(arguments: [nil, [0, 3], [1]]) func noRankReadsASliceThatAnotherOfItsHostWrites(
    owners: [Int]?
  ) {
    let partition = SlicePartition(
      elementCount: 700_000, size: 5, owners: owners,
      layout: owners == [1] ? .contiguous : .interleaved)
    for element in stride(from: 0, to: 800_000, by: SlicePartition.blockSize) {
      let owner = (0..<5).first { partition.parts(of: $0).contains { $0.contains(element) } }
      for rank in 0..<5 {
        let topology = Topology(size: 5, ranksPerHost: 3, rank: rank)
        let reader = partition.reader(of: element, topology)
        #expect(topology.hostRanks.contains(reader))
        if let owner, topology.hostRanks.contains(owner) { #expect(reader == owner) }
      }
    }
  }
}
