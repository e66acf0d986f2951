/// The flat parameter buffer: one on each host, in memory that its ranks share.
///
/// A rank updates its slice in place, then all call `share`: inside a host that is a barrier,
/// between hosts the slices travel once. Slices divide the front of the buffer, which is trained; what
/// lies behind it stays as it was at first.
public final class SharedParameters {
  /// The parameters, [P]. Zero at first. Ranks write their own slice only, and only between a
  /// reduction and `share`.
  public let values: UnsafeMutableBufferPointer<Float>
  /// The front of `values`, which is trained.
  public let trained: UnsafeMutableBufferPointer<Float>
  /// Of `trained`.
  public let partition: SlicePartition

  private let communicator: any Communicator
  /// Keeps the memory of `values` for as long as it lives.
  public let memory: SharedMemory
  private let batch = MessageBatch()

  /// Allocates the buffer. Collective.
  ///
  /// - Parameters:
  ///   - elementCount: P.
  ///   - trainedCount: How many of them, from the first, are trained. Default: all.
  ///   - owners: The ranks that share out the slices, ascending. Default: all.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  public init(
    communicator: any Communicator, elementCount: Int, trainedCount: Int? = nil,
    owners: [Int]? = nil
  ) throws {
    self.communicator = communicator
    let trainedCount = trainedCount ?? elementCount
    precondition(0...elementCount ~= trainedCount, "\(trainedCount) of \(elementCount) are trained")
    partition = SlicePartition(
      elementCount: trainedCount, size: communicator.size, owners: owners)
    memory = try communicator.allocateShared(
      byteCount: communicator.topology.isLeader
        ? elementCount * MemoryLayout<Float>.stride : 0)
    values = memory.segments[0].bindMemory(to: Float.self)
    trained = UnsafeMutableBufferPointer(rebasing: values[..<trainedCount])
  }

  private func bytes(ofSlice rank: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      UnsafeMutableBufferPointer(rebasing: values[partition.slice(of: rank)]))
  }

  /// Makes every rank's slice visible to all. Collective.
  ///
  /// - Parameter words: What each rank tells all others on the way; the same number on all ranks.
  ///   Default: nothing.
  /// - Returns: The words of each rank.
  @discardableResult
  public func share(contributing words: [UInt64] = []) throws -> [[UInt64]] {
    let call = CollectiveCall(.share, byteCount: trained.count * MemoryLayout<Float>.stride)
    try communicator.meet(call, contributing: words)
    let all =
      words.isEmpty
      ? [] : (0..<communicator.size).map { Array(communicator.contribution(of: $0)) }
    let topology = communicator.topology
    guard topology.hostCount > 1 else { return all }
    batch.removeAll()
    for host in topology.hosts.indices where host != topology.hostIndex {
      batch.send(
        UnsafeRawBufferPointer(bytes(ofSlice: topology.rank)),
        to: topology.counterpart(of: topology.rank, onHost: host))
    }
    for owner in 0..<topology.size where !topology.hostRanks.contains(owner) {
      guard topology.counterpart(of: owner, onHost: topology.hostIndex) == topology.rank
      else { continue }
      batch.receive(into: bytes(ofSlice: owner), from: owner)
    }
    try communicator.exchange(batch)
    try communicator.meet(call)
    return all
  }

  /// Copies the whole buffer of `root`'s host to all hosts. Collective.
  public func broadcast(from root: Int = 0) throws {
    let byteCount = values.count * MemoryLayout<Float>.stride
    let call = CollectiveCall(.broadcast, byteCount: byteCount, root: root)
    try communicator.meet(call)
    let topology = communicator.topology
    let speakers = topology.hosts.map { $0.contains(root) ? root : $0.lowerBound }
    try communicator.spread(UnsafeMutableRawBufferPointer(values), from: root, among: speakers)
    try communicator.meet(call)
  }
}
