#if canImport(Glibc)
  import Glibc
#endif

/// What can go wrong between ranks.
public enum CommunicationError: Error, Equatable {
  /// An MPI call failed on `rank`; `message` is MPI's own text for `code`.
  case mpi(operation: String, code: Int, message: String, rank: Int)
  /// Two ranks are not in the same collective.
  case mismatch(CollectiveMismatch)
  /// The process of `rank` no longer exists, and this rank waits for it.
  case lostPeer(rank: Int, processID: Int, step: Int, call: CollectiveCall)
  /// `rank`, a thread of this process, ended with an error of its own.
  case failedPeer(rank: Int, message: String)
  /// `rank` cannot make or open `byteCount` bytes of memory shared on its host. `code` is an errno;
  /// `freeBytes` is what /dev/shm has left, where that is what was asked.
  case sharedMemory(operation: String, byteCount: Int, code: Int, rank: Int, freeBytes: Int?)
  /// `ranks`, which share a host, need `byteCount` bytes together, and it has `availableBytes`.
  case outOfMemory(byteCount: Int, availableBytes: Int, ranks: Range<Int>)
}

/// Two ranks that are in different collectives at the same place of their sequence.
public struct CollectiveMismatch: Error, Equatable, Sendable {
  /// The rank that stands out, what it called, and the optimiser step it was in.
  public let rank: Int
  public let call: CollectiveCall
  public let step: Int
  /// A rank that called something else.
  public let otherRank: Int
  public let otherCall: CollectiveCall
  public let otherStep: Int

  public init(
    rank: Int, call: CollectiveCall, step: Int,
    otherRank: Int, otherCall: CollectiveCall, otherStep: Int
  ) {
    self.rank = rank
    self.call = call
    self.step = step
    self.otherRank = otherRank
    self.otherCall = otherCall
    self.otherStep = otherStep
  }
}

extension CollectiveMismatch: CustomStringConvertible {
  public var description: String {
    """
    ranks are not in the same collective: rank \(rank) called \(call) in step \(step), \
    rank \(otherRank) called \(otherCall) in step \(otherStep)
    """
  }
}

extension CommunicationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .mpi(let operation, let code, let message, let rank):
      return "rank \(rank): \(operation) failed: \(message) (MPI code \(code))"
    case .mismatch(let mismatch):
      return mismatch.description
    case .lostPeer(let rank, let processID, let step, let call):
      return """
        rank \(rank) (process \(processID)) is gone; others wait for it in \(call), step \(step)
        """
    case .failedPeer(let rank, let message):
      return "rank \(rank) failed: \(message)"
    case .sharedMemory(let operation, let byteCount, let code, let rank, let freeBytes):
      let reason = String(cString: strerror(Int32(code)))
      guard let freeBytes else {
        return "rank \(rank): cannot \(operation) \(byteCount) bytes of shared memory: \(reason)"
      }
      return """
        rank \(rank): cannot \(operation) \(byteCount) bytes of shared memory: \(reason); \
        /dev/shm has \(freeBytes) bytes free. Give it more (mount -o remount,size=… /dev/shm, \
        docker run --shm-size=…) or start fewer ranks on the host.
        """
    case .outOfMemory(let byteCount, let availableBytes, let ranks):
      return """
        ranks \(ranks.lowerBound) to \(ranks.upperBound - 1) share a host that has \(availableBytes) \
        bytes of memory available; they need \(byteCount) more. Start fewer ranks on the host, use \
        fewer micro-batches, or a smaller model.
        """
    }
  }
}
