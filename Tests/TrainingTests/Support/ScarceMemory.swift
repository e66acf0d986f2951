import LockstepCommunication
import LockstepParallelism

/// A communicator on a host that refuses memory where it is told to, on all ranks together.
final class ScarceMemory: Communicator {
  private let base: any Communicator
  /// How many of the next allocations are refused; the same on all ranks. Default: none.
  var refusals = 0

  init(_ base: any Communicator) { self.base = base }

  func allocateShared(byteCount: Int) throws -> SharedMemory {
    guard refusals > 0 else { return try base.allocateShared(byteCount: byteCount) }
    refusals -= 1
    let wanted = try base.allGather([Double(byteCount)]).reduce(0) { $0 + Int($1[0]) }
    throw CommunicationError.outOfMemory(
      byteCount: wanted, availableBytes: wanted - 1, ranks: 0..<size)
  }

  var topology: Topology { base.topology }
  var step: Int {
    get { base.step }
    set { base.step = newValue }
  }
  var stallWatch: StallWatch? {
    get { base.stallWatch }
    set { base.stallWatch = newValue }
  }
  var timeline: Timeline? {
    get { base.timeline }
    set { base.timeline = newValue }
  }
  var beforeMeeting: (() throws -> Void)? {
    get { base.beforeMeeting }
    set { base.beforeMeeting = newValue }
  }
  var secondsWaited: Double { base.secondsWaited }
  var watch: ProcessWatch? { base.watch }

  func meet(
    _ call: CollectiveCall, contributing words: [UInt64],
    betweenHosts: ((MessageBatch) -> Void)?
  ) throws {
    try base.meet(call, contributing: words, betweenHosts: betweenHosts)
  }

  func contribution(of rank: Int) -> UnsafeBufferPointer<UInt64> { base.contribution(of: rank) }
  func start(_ batch: MessageBatch) throws { try base.start(batch) }
  func finish(_ batch: MessageBatch) throws { try base.finish(batch) }
  func progress(_ batch: MessageBatch) throws -> Bool { try base.progress(batch) }

  func pause(
    _ patience: inout Patience, besideWork: Bool, waitingFor ranks: @autoclosure () -> [Int]
  ) throws {
    try base.pause(&patience, besideWork: besideWork, waitingFor: ranks())
  }

  func endPause() { base.endPause() }
  func split(color: Int) throws -> any Communicator { try base.split(color: color) }

  func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws {
    try base.allReduceSum(values)
  }

  func abort(because error: any Error, exitCode: Int32) {
    base.abort(because: error, exitCode: exitCode)
  }
}
