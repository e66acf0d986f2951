import CLockstepKernels
import LockstepParallelism

/// The sum over all ranks of vectors of 64-bit words, modulo 2⁶⁴: whatever the order, it has the same bits.
///
/// Each rank writes a vector into memory that its host's ranks share; `reduce` gives each its slice of the sum. Between
/// hosts travels one partial sum for each slice and host.
///
/// After initialisation no memory is allocated.
public final class WordSum {
  /// Which rank owns which part of the result.
  public let partition: SlicePartition
  /// This rank's vector. Zero at first; to be written between the sharing of what came of one sum and the next
  /// `reduce`, for other ranks read it until then.
  public let words: UnsafeMutableBufferPointer<UInt64>

  private let communicator: any Communicator
  private let pool: ThreadPool?
  private let memory: SharedMemory
  /// This rank's slice of the sum.
  private let result: UnsafeMutableBufferPointer<UInt64>
  /// What each other host sends for it, one after the other.
  private let incoming: [UnsafeMutableBufferPointer<UInt64>]
  /// What this rank sends for its host, and to whom.
  private let outgoing: [(owner: Int, words: UnsafeMutableBufferPointer<UInt64>)]
  private let staging: MemorySegment
  private let batch = MessageBatch()

  /// Allocates all buffers. Collective.
  ///
  /// - Parameters:
  ///   - elementCount: Words of a vector.
  ///   - pool: Threads that share the work. Default: the caller only.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  public init(
    communicator: any Communicator, elementCount: Int, pool: ThreadPool? = nil
  ) throws {
    let topology = communicator.topology
    let partition = SlicePartition(elementCount: elementCount, size: topology.size)
    (self.communicator, self.partition, self.pool) = (communicator, partition, pool)
    memory = try communicator.allocateShared(byteCount: elementCount * 8)
    words = memory.segments[topology.localRank].bindMemory(to: UInt64.self)
    let remote = (0..<topology.size).filter {
      !topology.hostRanks.contains($0)
        && topology.counterpart(of: $0, onHost: topology.hostIndex) == topology.rank
    }
    let own = partition.slice(of: topology.rank).count
    let counts =
      Array(repeating: own, count: topology.hostCount)
      + remote.map { partition.slice(of: $0).count }
    staging = try MemorySegment(
      privateByteCount: counts.reduce(0, +) * 8, rank: topology.rank)
    var end = 0
    let all = staging.bytes.bindMemory(to: UInt64.self)
    let buffers = counts.map { count in
      end += count
      return UnsafeMutableBufferPointer(rebasing: all[end - count..<end])
    }
    result = buffers[0]
    incoming = Array(buffers[1..<topology.hostCount])
    outgoing = Array(zip(remote, buffers[topology.hostCount...]))
  }

  /// Sums over all ranks. Collective.
  ///
  /// - Returns: This rank's slice of the sum, which the next call overwrites.
  public func reduce() throws -> UnsafeMutableBufferPointer<UInt64> {
    try communicator.meet(CollectiveCall(.reduce, byteCount: words.count * 8))
    let topology = communicator.topology
    batch.removeAll()
    for (owner, words) in outgoing {
      sumHost(over: partition.slice(of: owner), into: words)
      batch.send(UnsafeRawBufferPointer(words), to: owner)
    }
    let others = topology.hosts.indices.filter { $0 != topology.hostIndex }
    for (host, words) in zip(others, incoming) {
      batch.receive(
        into: UnsafeMutableRawBufferPointer(words),
        from: topology.counterpart(of: topology.rank, onHost: host))
    }
    if !batch.isEmpty { try communicator.start(batch) }
    sumHost(over: partition.slice(of: topology.rank), into: result)
    if !batch.isEmpty { try communicator.finish(batch) }
    for words in incoming { add(UnsafeBufferPointer(words), to: result) }
    return result
  }

  /// The sum of this host's vectors.
  private func sumHost(over slice: Range<Int>, into sum: UnsafeMutableBufferPointer<UInt64>) {
    sum.update(repeating: 0)
    for segment in memory.segments {
      let vector = segment.bindMemory(to: UInt64.self)
      add(UnsafeBufferPointer(rebasing: vector[slice]), to: sum)
    }
  }

  private func add(
    _ words: UnsafeBufferPointer<UInt64>, to sum: UnsafeMutableBufferPointer<UInt64>
  ) {
    guard let source = words.baseAddress, let target = sum.baseAddress else { return }
    let (count, blockSize) = (words.count, SlicePartition.blockSize)
    pool.run(tasks: (count + blockSize - 1) / blockSize) { block in
      let start = block * blockSize
      CKernels_addWords(source + start, target + start, Int64(min(blockSize, count - start)))
    }
  }
}
