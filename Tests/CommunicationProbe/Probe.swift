import LockstepCommunication
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// The probe's commands, as one rank runs them. Rank 0 prints results; `Failure` is a wrong one.
struct Probe {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let communicator: any Communicator
  let options: ProbeOptions

  init(_ communicator: any Communicator, _ options: ProbeOptions) {
    self.communicator = communicator
    self.options = options
  }

  func run() throws {
    switch options.command {
    case "topology": printOnRankZero("\(communicator.topology.hosts)")
    case "reduce": try reduce()
    case "collectives": try collectives()
    case "split": try split()
    case "too-much": _ = try communicator.allocateShared(byteCount: 1 << 50)
    case "mismatch": try mismatch()
    case "leave": try leave()
    case "die": try die()
    case "slow-gradient": try slowGradient()
    case "stop-in-sum": try stopInSum()
    case "stop-in-split": try stopInSplit()
    case "throw": try fail()
    default: throw Failure(description: "unknown command \(options.command)")
    }
  }

  private func printOnRankZero(_ line: String) {
    if communicator.isRankZero { print(line) }
  }

  // MARK: Results

  /// Reduces synthetic gradients for some steps; prints hash, norm and scalars of the last.
  private func reduce() throws {
    let elementCount = options.number("elements") ?? 100_000
    let leafCount = options.number("leaves") ?? communicator.size
    let reduction = try CanonicalReduction(
      communicator: communicator, elementCount: elementCount, leafCount: leafCount, scalarCount: 1,
      layout: .interleaved)
    let parameters = try SharedParameters(
      communicator: communicator, elementCount: elementCount, layout: .interleaved)
    for step in 1...2 {
      communicator.step = step
      for leaf in reduction.ownedLeaves {
        let buffer = reduction.leafBuffer
        // Between hosts, the end of the last gradient travels while its begin is computed.
        if leaf == reduction.ownedLeaves.last { _ = reduction.beginLast() }
        let middle = elementCount / 2
        for part in [middle..<elementCount, 0..<middle] {
          for element in part {
            buffer[element] = NaiveReduction.leafValue(
              seed: UInt64(step), leaf: leaf, element: element)
          }
          reduction.report(firstFinal: part.lowerBound)
        }
        reduction.fold(scalars: [Double(leaf) + 0.1])
      }
      let gradient = try reduction.reduce(flag: communicator.rank)
      guard gradient.flag == communicator.size - 1 else {
        throw Failure(description: "the largest flag came out as \(gradient.flag)")
      }
      for part in gradient.parts {
        for element in part { parameters.values[element] = gradient.values[element] }
      }
      try parameters.share(inBackground: true)
      parameters.arrive(upTo: elementCount / 3)
      let hash = NaiveReduction.hash(parameters.values)
      let hashes = try communicator.allGather([Double(bitPattern: hash)])
      guard hashes.allSatisfy({ $0[0].bitPattern == hash }) else {
        throw Failure(description: "ranks see different parameters after step \(step)")
      }
      printOnRankZero(
        "\(hash) \(gradient.squaredNorm.bitPattern) \(gradient.scalars[0].bitPattern)")
    }
  }

  /// Broadcast, gather and scatter of patterns, checked on arrival.
  private func collectives() throws {
    let elementCount = options.number("elements") ?? 300_000
    let rank = communicator.rank
    for root in 0..<communicator.size {
      var values = (0..<elementCount).map { rank == root ? Float($0 + root) : -1 }
      try values.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
      try expect(values == (0..<elementCount).map { Float($0 + root) }, "broadcast")
    }
    let gathered = try communicator.allGather((0..<40).map { Double(rank * 100 + $0) })
    for (other, values) in gathered.enumerated() {
      try expect(values == (0..<40).map { Double(other * 100 + $0) }, "allGather")
    }
    let partition = SlicePartition(elementCount: elementCount, size: communicator.size)
    let slice = partition.slice(of: rank)
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: slice.count)
    defer { memory.deallocate() }
    try communicator.scatter(
      into: memory, owners: partition.elementOwners, chunkElementCount: 70_001
    ) {
      start, chunk in
      for index in chunk.indices { chunk[index] = Float(start + index) }
    }
    try expect(memory.elementsEqual(slice.map(Float.init)), "scatter")
    var next = 0
    try communicator.gather(
      UnsafeBufferPointer(memory), owners: partition.elementOwners, chunkElementCount: 33_333
    ) { start, chunk in
      try expect(start == next, "gather in order")
      try expect(chunk.elementsEqual((start..<start + chunk.count).map(Float.init)), "gather")
      next += chunk.count
    }
    try expect(rank != 0 || next == elementCount, "gather of everything")
    var plain = (0..<1_000).map { Float($0 + rank) }
    try plain.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
    let size = communicator.size
    try expect(
      plain == (0..<1_000).map { Float($0 * size + size * (size - 1) / 2) }, "allReduceSum")
    try communicator.barrier()
    printOnRankZero("ok")
  }

  /// Reduces within groups of neighbours; each prints what `reduce` prints.
  private func split() throws {
    let groups = options.number("groups") ?? 2
    let part = try communicator.split(color: communicator.rank * groups / communicator.size)
    try Probe(part, options).reduce()
    try communicator.barrier()
  }

  private func expect(_ condition: Bool, _ name: String) throws {
    if !condition { throw Failure(description: "\(name) is wrong on rank \(communicator.rank)") }
  }

  // MARK: Failures

  /// In step 7 the last rank calls something else than the others.
  private func mismatch() throws {
    communicator.step = 7
    try communicator.barrier()
    if communicator.rank == communicator.size - 1 {
      _ = try communicator.allGather([1])
    } else {
      try communicator.barrier()
    }
  }

  /// In step 5 rank 1 is done while the others go on.
  private func leave() throws {
    communicator.step = 5
    try communicator.barrier()
    if communicator.rank != 1 { try communicator.barrier() }
  }

  /// In step 3 the last rank is killed while the others wait for it.
  private func die() throws {
    communicator.step = 3
    try communicator.barrier()
    if communicator.rank == communicator.size - 1 { kill(getpid(), SIGKILL) }
    try communicator.barrier()
  }

  /// In step 4 the last rank computes for some seconds, while its part of the reduction has begun.
  private func slowGradient() throws {
    let reduction = try CanonicalReduction(
      communicator: communicator, elementCount: 1000, leafCount: communicator.size)
    communicator.step = 4
    communicator.watch?.begin(
      WatchLimits(notice: .seconds(1), end: .zero), activity: .steps, directory: ".")
    let begins = reduction.beginLast()
    try expect(begins == (communicator.topology.hostCount > 1), "beginLast")
    if communicator.rank == communicator.size - 1 { sleep(4) }
    reduction.leafBuffer.update(repeating: 1)
    reduction.report(firstFinal: 0)
    reduction.fold(scalars: [])
    _ = try reduction.reduce()
    printOnRankZero("ok")
  }

  /// In step 6 the last rank is stopped when all have met to sum, and the others wait for it inside MPI.
  private func stopInSum() throws {
    beginWatch(step: 6)
    var values = [Float](repeating: 1, count: 1_000)
    if communicator.rank == communicator.size - 1 {
      try communicator.meet(CollectiveCall(.allReduce, byteCount: values.count * 4))
      raise(SIGSTOP)
    }
    try values.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
  }

  /// In step 6 the last rank is stopped when all but MPI's own part of a split is done.
  private func stopInSplit() throws {
    beginWatch(step: 6)
    if communicator.rank == communicator.size - 1 {
      try communicator.meet(CollectiveCall(.split), contributing: [0])
      _ = try communicator.allocateShared(byteCount: 0)
      raise(SIGSTOP)
    }
    _ = try communicator.split(color: 0)
  }

  /// The watch ends the job after three seconds, and writes what ranks did into `--folder`.
  private func beginWatch(step: Int) {
    communicator.step = step
    communicator.watch?.begin(
      WatchLimits(notice: .seconds(1), end: .seconds(3)), activity: .steps,
      directory: options.text("folder") ?? ".")
  }

  /// The last rank fails by itself.
  private func fail() throws {
    try communicator.barrier()
    if communicator.rank == communicator.size - 1 { throw Failure(description: "out of luck") }
    try communicator.barrier()
  }
}
