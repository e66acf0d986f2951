/// A group of one rank: no MPI, no waiting, no messages.
public final class SoloCommunicator: Communicator {
  public let topology = Topology(hosts: [0..<1], rank: 0)
  public var step = 0
  public var stallWatch: StallWatch?

  private let words = UnsafeMutableBufferPointer<UInt64>.allocate(
    capacity: Board.contributionCapacity)
  private var wordCount = 0

  public init() {}

  deinit { words.deallocate() }

  public func meet(
    _ call: CollectiveCall, contributing words: [UInt64],
    betweenHosts: ((MessageBatch) -> Void)?
  ) throws {
    precondition(words.count <= self.words.count, "\(words.count) words are too many")
    wordCount = words.count
    _ = self.words.update(fromContentsOf: words)
  }

  public func contribution(of rank: Int) -> UnsafeBufferPointer<UInt64> {
    UnsafeBufferPointer(rebasing: words[..<wordCount])
  }

  public func start(_ batch: MessageBatch) throws {
    precondition(batch.isEmpty, "a single rank has nobody to exchange messages with")
    batch.isUnderWay = true
  }

  public func finish(_ batch: MessageBatch) throws { batch.isUnderWay = false }

  public func progress(_ batch: MessageBatch) throws -> Bool {
    batch.isUnderWay = false
    return true
  }

  public func pause(
    _ patience: inout Patience, besideWork: Bool, waitingFor ranks: @autoclosure () -> [Int]
  ) throws {
    patience.yieldOrNap()
  }

  public func allocateShared(byteCount: Int) throws -> SharedMemory {
    if let available = HostMemory.available, byteCount > available {
      throw CommunicationError.outOfMemory(
        byteCount: byteCount, availableBytes: available, ranks: 0..<1)
    }
    return SharedMemory([try MemorySegment(privateByteCount: byteCount, rank: 0)])
  }

  public func split(color: Int) -> any Communicator { SoloCommunicator() }

  public func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws {}

  /// Does nothing: there is nobody to tell.
  public func abort(because error: any Error, exitCode: Int32) {}
}
