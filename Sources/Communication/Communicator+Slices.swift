extension Communicator {
  /// Brings a vector whose slices the ranks hold to rank 0, chunk by chunk. Collective.
  ///
  /// Rank 0 needs room for two chunks only; while it consumes one, the next is under way.
  ///
  /// - Parameters:
  ///   - slice: This rank's elements, [partition.slice(of: rank).count].
  ///   - partition: Who holds what.
  ///   - chunkElementCount: Elements in a chunk. Default: 1,048,576 (4 MiB).
  ///   - consume: On rank 0: receives all elements in order, as the index of the first and a chunk.
  /// - Throws: On rank 0 what `consume` throws, when all chunks have come.
  public func gather(
    _ slice: UnsafeBufferPointer<Float>, partition: SlicePartition,
    chunkElementCount: Int = 1 << 20,
    consume: (_ start: Int, _ chunk: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try meet(CollectiveCall(.gather, byteCount: partition.elementCount * 4, root: 0))
    precondition(slice.count == partition.slice(of: rank).count, "a slice of the wrong length")
    let chunks = partition.chunks(of: chunkElementCount)
    guard isRankZero else {
      let start = partition.slice(of: rank).lowerBound
      for chunk in chunks where chunk.owner == rank {
        let part = slice[chunk.elements.lowerBound - start..<chunk.elements.upperBound - start]
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
        ? UnsafeBufferPointer(rebasing: slice[chunk.elements])
        : UnsafeBufferPointer(stream.values(index, count: chunk.elements.count))
      do { try consume(chunk.elements.lowerBound, values) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Deals out a vector from rank 0 to the ranks that own its slices, chunk by chunk. Collective.
  ///
  /// - Parameters:
  ///   - slice: Receives this rank's elements, [partition.slice(of: rank).count].
  ///   - partition: Who gets what.
  ///   - chunkElementCount: Elements in a chunk. Default: 1,048,576 (4 MiB).
  ///   - produce: On rank 0: fills chunks with all elements in order.
  /// - Throws: On rank 0 what `produce` throws; the other ranks then wait, so the job must end.
  public func scatter(
    into slice: UnsafeMutableBufferPointer<Float>, partition: SlicePartition,
    chunkElementCount: Int = 1 << 20,
    produce: (_ start: Int, _ chunk: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try meet(CollectiveCall(.scatter, byteCount: partition.elementCount * 4, root: 0))
    precondition(slice.count == partition.slice(of: rank).count, "a slice of the wrong length")
    let chunks = partition.chunks(of: chunkElementCount)
    guard isRankZero else {
      let start = partition.slice(of: rank).lowerBound
      for chunk in chunks where chunk.owner == rank {
        let part = slice[chunk.elements.lowerBound - start..<chunk.elements.upperBound - start]
        try receive(
          into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: part)), from: 0)
      }
      return
    }
    let stream = try ChunkStream(elementCount: chunkElementCount)
    for (index, chunk) in chunks.enumerated() {
      if chunk.owner == 0 {
        try produce(
          chunk.elements.lowerBound, UnsafeMutableBufferPointer(rebasing: slice[chunk.elements]))
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

extension SlicePartition {
  /// All elements in order, cut at the borders of slices and after each `count` of a slice.
  fileprivate func chunks(of count: Int) -> [(owner: Int, elements: Range<Int>)] {
    (0..<size).flatMap { owner in
      let slice = slice(of: owner)
      return stride(from: slice.lowerBound, to: slice.upperBound, by: count).map { start in
        (owner, start..<min(start + count, slice.upperBound))
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
