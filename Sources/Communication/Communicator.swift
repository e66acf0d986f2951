import LockstepParallelism

/// One rank's view of a group of ranks that compute together.
///
/// `SoloCommunicator` is a group of one, `InProcessGroup` makes ranks of threads, a
/// `MessageLibrary` of processes. All collectives are built on the requirements below, so the three differ in nothing
/// else. A communicator belongs to one thread at a time.
///
/// Collective: every rank calls it, in the same order. Each collective begins with `meet`, which
/// compares what the ranks called; if two differ, all end with one `CollectiveMismatch`.
public protocol Communicator: AnyObject {
  var topology: Topology { get }

  /// The optimiser step in progress. For messages only, but it must agree between ranks. Default: 0.
  var step: Int { get set }

  /// Is told when this rank waits for long, where nobody watches over it. Default: nobody.
  var stallWatch: StallWatch? { get set }

  /// Where collectives, messages and waits are recorded; nil but for steps that are profiled. Those of groups that
  /// were split off are recorded, too. Default: nowhere.
  var timeline: Timeline? { get set }

  /// What this rank has to finish before it meets others again, for one meeting. Default: nothing.
  var beforeMeeting: (() throws -> Void)? { get set }

  /// How long this rank has waited in `meet` for others to come, in seconds. Default: never.
  var secondsWaited: Double { get }

  /// What watches over the job's ranks; nil where they are not processes of a job.
  var watch: ProcessWatch? { get }

  /// Waits until every rank is in the same call; then each sees what the others contributed, and
  /// what the ranks of its host wrote to shared memory. Collective.
  ///
  /// - Parameters:
  ///   - call: What the ranks are about to do together.
  ///   - words: At most `contributionCapacity`; the same number on all ranks.
  ///   - betweenHosts: Fills a batch with messages between leaders, which then are exchanged before
  ///     any rank goes on. Runs on each host's leader when all ranks of its host have arrived, and
  ///     only if there is more than one host.
  /// - Throws: `CommunicationError.mismatch` when ranks called different things, `.lostPeer` when a
  ///   process died, `.mpi`.
  func meet(
    _ call: CollectiveCall, contributing words: [UInt64],
    betweenHosts: ((MessageBatch) -> Void)?
  ) throws

  /// What `rank` contributed to the last `meet`. Valid until the next one.
  func contribution(of rank: Int) -> UnsafeBufferPointer<UInt64>

  /// Starts the messages of a batch. Progress is made in `finish`, of any batch.
  func start(_ batch: MessageBatch) throws
  /// Waits for all messages of a started batch, yielding the processor.
  func finish(_ batch: MessageBatch) throws
  /// Makes progress with a started batch; true once all its messages have arrived, and then it is
  /// finished.
  func progress(_ batch: MessageBatch) throws -> Bool
  /// Pauses in a loop of the caller's that waits for ranks, and throws if the group has ended meanwhile.
  ///
  /// - Parameter besideWork: Whether another thread of this rank computes meanwhile: then the rank does
  ///   not count as waiting, and others may wait for it.
  func pause(
    _ patience: inout Patience, besideWork: Bool, waitingFor ranks: @autoclosure () -> [Int]
  ) throws

  /// Ends a loop of pauses whose end no message tells.
  func endPause()

  /// Allocates memory that all ranks of a host see. Pages are reserved and zero. Collective.
  ///
  /// - Parameter byteCount: This rank's segment; may be 0, and differ between ranks.
  /// - Throws: `CommunicationError.sharedMemory`, on all ranks, when any of them fails.
  func allocateShared(byteCount: Int) throws -> SharedMemory

  /// Divides the group into smaller ones: the ranks that give the same colour are one of them, in
  /// the order that they have here, each with shared memory, collectives and messages of its own.
  /// Collective.
  ///
  /// A group's collectives concern its own ranks. While it is used, its ranks leave this
  /// communicator alone. An error that a rank can not go on from still ends all ranks (`abort`).
  /// The groups last as long as this one.
  ///
  /// - Parameter color: At least 0.
  /// - Returns: This rank's communicator in its group.
  /// - Throws: `CommunicationError.mpi` or `.sharedMemory`.
  func split(color: Int) throws -> any Communicator

  /// Sums `values` over all ranks, in place, in an order that depends on the group: MPI's own, or
  /// rank order. `CanonicalReduction` is the one whose order does not. Collective.
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws

  /// Gives the group up because of an error that this rank can not go on from. On MPI, reports it
  /// once for the job and ends all processes, and does not return; ranks that are threads of one
  /// process make their peers throw.
  func abort(because error: any Error, exitCode: Int32)
}

extension Communicator {
  /// The most words a rank may contribute to one `meet`.
  public static var contributionCapacity: Int { Board.contributionCapacity }

  public var watch: ProcessWatch? { nil }
  public var secondsWaited: Double { 0 }
  public var timeline: Timeline? {
    get { nil }
    set {}
  }
  public var beforeMeeting: (() throws -> Void)? {
    get { nil }
    set {}
  }

  public func endPause() {}

  public var rank: Int { topology.rank }
  /// The number of ranks, N.
  public var size: Int { topology.size }
  public var isRankZero: Bool { topology.rank == 0 }

  public func meet(_ call: CollectiveCall, contributing words: [UInt64] = []) throws {
    try meet(call, contributing: words, betweenHosts: nil)
  }

  public func abort(because error: any Error) { abort(because: error, exitCode: 1) }
}
