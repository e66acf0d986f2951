import LockstepCommunication

/// A communicator on a host that refuses memory where it is told to, on all ranks together.
final class ScarceMemory: ForwardingCommunicator {
  /// How many of the next allocations are refused; the same on all ranks. Default: none.
  var refusals = 0

  override func allocateShared(byteCount: Int) throws -> SharedMemory {
    guard refusals > 0 else { return try super.allocateShared(byteCount: byteCount) }
    refusals -= 1
    let wanted = try base.allGather([Double(byteCount)]).reduce(0) { $0 + Int($1[0]) }
    throw CommunicationError.outOfMemory(
      byteCount: wanted, availableBytes: wanted - 1, ranks: 0..<size)
  }
}
