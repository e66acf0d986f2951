/// What carries a group: messages and memory. Everything above is the same for all groups.
package protocol Transport: AnyObject {
  var topology: Topology { get }

  func start(_ batch: MessageBatch) throws
  /// Makes progress; true once all messages of the batch have arrived.
  func progress(_ batch: MessageBatch) throws -> Bool

  /// Bytes that the host can still give to its ranks together, if that is known.
  var availableMemory: Int? { get }
  /// Makes this rank's segment and returns words by which its peers can open it.
  func makeSegment(byteCount: Int) throws -> (segment: MemorySegment, name: [UInt64])
  /// Opens a peer's segment.
  func openSegment(named name: [UInt64]) throws -> MemorySegment
  /// All peers have opened the segments made so far.
  func forgetNames()

  /// Throws if a peer can never arrive. `waited` is how long this rank has been waiting.
  func checkPeers(waited: Duration, step: Int, call: CollectiveCall) throws

  /// The transport of some of the ranks among themselves. All ranks call it, each for its own part.
  ///
  /// - Parameters:
  ///   - color: Tells the parts apart.
  ///   - members: The part's ranks, as they are numbered here, ascending.
  ///   - topology: The part's, in which they are numbered anew.
  func split(color: Int, members: [Int], topology: Topology) throws -> any Transport

  /// Sums in place over all ranks. `barrier` waits for all of them.
  func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Float>, barrier: () throws -> Void) throws

  /// Ends the group; see `Communicator.abort`. `isReporter` is true on one rank of a host.
  func abort(because error: any Error, exitCode: Int32, isReporter: Bool)
}
