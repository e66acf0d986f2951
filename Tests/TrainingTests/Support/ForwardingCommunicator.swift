import LockstepCommunication
import LockstepParallelism

/// A communicator that does all that another one does: tests change some of it.
class ForwardingCommunicator: Communicator {
  let base: any Communicator

  init(_ base: any Communicator) { self.base = base }

  func allocateShared(byteCount: Int) throws -> SharedMemory {
    try base.allocateShared(byteCount: byteCount)
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
