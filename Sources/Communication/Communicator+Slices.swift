extension Communicator {
  /// Brings a vector whose slices the ranks hold to rank 0, chunk by chunk. Collective.
  ///
  /// Rank 0 needs room for two chunks only; while it consumes one, the next is under way.
  ///
  /// - Parameters:
  ///   - slice: This rank's elements: its parts, one after the other.
  ///   - owners: Which rank holds which elements.
  ///   - chunkElementCount: Elements in a chunk. Default: 1,048,576 (4 MiB).
  ///   - consume: On rank 0: receives all elements in order, as the index of the first and a chunk.
  /// - Throws: On rank 0 what `consume` throws, when all chunks have come.
  public func gather(
    _ slice: UnsafeBufferPointer<Float>, owners: ElementOwners,
    chunkElementCount: Int = 1 << 20,
    consume: (_ start: Int, _ chunk: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try meet(CollectiveCall(.gather, byteCount: owners.elementCount * 4, root: 0))
    precondition(slice.count == owners.count(of: rank), "a slice of the wrong length")
    let chunks = owners.chunks(of: chunkElementCount)
    guard isRankZero else {
      for chunk in chunks where chunk.owner == rank {
        let part = slice[chunk.held]
        try send(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: part)), to: 0)
      }
      return
    }
    let stream = try ChunkStream(elementCount: chunkElementCount)
    func begin(_ index: Int) throws {
      guard index < chunks.count else { return }
      let batch = stream.batches[index % 2]
      batch.removeAll()
      let chunk = chunks[index]
      if chunk.owner != 0 {
        batch.receive(into: stream.bytes(index, count: chunk.elements.count), from: chunk.owner)
      }
      try start(batch)
    }
    var failure: (any Error)?
    try begin(0)
    for (index, chunk) in chunks.enumerated() {
      try begin(index + 1)
      try finish(stream.batches[index % 2])
      // After a failure the rest still has to be received: other ranks are sending it.
      if failure != nil { continue }
      let values =
        chunk.owner == 0
        ? UnsafeBufferPointer(rebasing: slice[chunk.held])
        : UnsafeBufferPointer(stream.values(index, count: chunk.elements.count))
      do { try consume(chunk.elements.lowerBound, values) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Deals out a vector from rank 0 to the ranks that own its slices, chunk by chunk. Collective.
  ///
  /// - Parameters:
  ///   - slice: Receives this rank's elements: its parts, one after the other.
  ///   - owners: Which rank gets which elements.
  ///   - chunkElementCount: Elements in a chunk. Default: 1,048,576 (4 MiB).
  ///   - produce: On rank 0: fills chunks with all elements in order.
  /// - Throws: On rank 0 what `produce` throws; the other ranks then wait, so the job must end.
  public func scatter(
    into slice: UnsafeMutableBufferPointer<Float>, owners: ElementOwners,
    chunkElementCount: Int = 1 << 20,
    produce: (_ start: Int, _ chunk: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try meet(CollectiveCall(.scatter, byteCount: owners.elementCount * 4, root: 0))
    precondition(slice.count == owners.count(of: rank), "a slice of the wrong length")
    let chunks = owners.chunks(of: chunkElementCount)
    guard isRankZero else {
      for chunk in chunks where chunk.owner == rank {
        let part = slice[chunk.held]
        try receive(
          into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: part)), from: 0)
      }
      return
    }
    let stream = try ChunkStream(elementCount: chunkElementCount)
    for (index, chunk) in chunks.enumerated() {
      if chunk.owner == 0 {
        try produce(
          chunk.elements.lowerBound, UnsafeMutableBufferPointer(rebasing: slice[chunk.held]))
        continue
      }
      let batch = stream.batches[index % 2]
      if batch.isUnderWay { try finish(batch) }
      let values = stream.values(index, count: chunk.elements.count)
      try produce(chunk.elements.lowerBound, values)
      batch.removeAll()
      batch.send(UnsafeRawBufferPointer(values), to: chunk.owner)
      try start(batch)
    }
    for batch in stream.batches where batch.isUnderWay { try finish(batch) }
  }
}

extension ElementOwners {
  /// All elements in order, cut at the borders of parts and after each `count` of a part. `held` is
  /// where they lie among their owner's elements.
  fileprivate func chunks(
    of count: Int
  ) -> [(owner: Int, elements: Range<Int>, held: Range<Int>)] {
    var heldCounts = [Int: Int]()
    return parts.flatMap { part in
      let shift = heldCounts[part.owner, default: 0] - part.elements.lowerBound
      heldCounts[part.owner, default: 0] += part.elements.count
      return stride(from: part.elements.lowerBound, to: part.elements.upperBound, by: count).map {
        let elements = $0..<min($0 + count, part.elements.upperBound)
        return (part.owner, elements, elements.lowerBound + shift..<elements.upperBound + shift)
      }
    }
  }
}

/// Two chunks and their messages, used in turn.
private final class ChunkStream {
  let batches = [MessageBatch(), MessageBatch()]
  private let memory: MemorySegment
  private let elementCount: Int

  init(elementCount: Int) throws {
    self.elementCount = elementCount
    memory = try MemorySegment(
      privateByteCount: 2 * elementCount * MemoryLayout<Float>.stride, rank: 0)
  }

  func values(_ index: Int, count: Int) -> UnsafeMutableBufferPointer<Float> {
    let floats = memory.bytes.assumingMemoryBound(to: Float.self)
    let start = index % 2 * elementCount
    return UnsafeMutableBufferPointer(rebasing: floats[start..<start + count])
  }

  func bytes(_ index: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(values(index, count: count))
  }
}
