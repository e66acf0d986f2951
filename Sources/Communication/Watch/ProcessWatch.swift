import CLockstepHost
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Watches over the ranks of a job from a thread of each process: tells when one is waited for, and ends
/// the job when it has been for too long.
///
/// Each process writes into memory that its host shares where its rank is, and its watch raises a count
/// there a few times a second. So others know a rank that computes or is stuck from one whose process is
/// stopped or gone. Between hosts the same travels as datagrams (`WatchNetwork`). Nothing here goes
/// through MPI, which a rank may be stuck in. Each process decides by itself, so that a host that nobody
/// reaches ends too.
///
/// The thread does not keep its process alive.
public final class ProcessWatch: @unchecked Sendable {
  /// How long ranks wait. Default: for ever, and nothing is said.
  public var limits: WatchLimits? {
    didSet {
      noticeMilliseconds.store(limits.map { Self.milliseconds($0.notice) } ?? 0, ordering: .relaxed)
      endMilliseconds.store(limits.map { Self.milliseconds($0.end) } ?? 0, ordering: .relaxed)
    }
  }

  /// What this rank does from now on.
  public var activity = WatchActivity.steps {
    didSet { CHost_watchActivity(ownRow, activity.rawValue) }
  }

  /// Where the run's files are: what ranks were doing is written there before the job ends.
  public var directory: String? {
    get { place.withLock { $0 } }
    set { place.withLock { $0 = newValue } }
  }

  let topology: Topology
  let addresses: [WatchNetwork.Address]
  let record = CallRecord()
  /// Whether the processes of this host know each other by number.
  let processesAreVisible: Bool
  private let network: WatchNetwork
  let terminate: @Sendable () -> Void
  private let memory: SharedMemory
  let ownRow: UnsafeMutablePointer<CHost_WatchRow>
  /// Raised in the host's memory once the job is to end.
  let endFlag: UnsafeMutablePointer<UInt32>
  /// Raised by the one that says so.
  let spokenFlag: UnsafeMutablePointer<UInt32>
  /// Raised by the one of the host that looks after its launcher.
  let launcherFlag: UnsafeMutablePointer<UInt32>
  private let hostRows: UnsafeMutablePointer<CHost_WatchRow>
  private let place = Locked<String?>(nil)
  private let noticeMilliseconds = Atomic<Int64>(0)
  let endMilliseconds = Atomic<Int64>(0)
  private let isStopped = Atomic(false)

  // Of the watch's thread alone.
  var rows: [CHost_WatchRow]
  private var beats: [(count: UInt32, heard: Int64)]
  private var ticks = 0
  private var noticed: (meeting: UInt32, since: Int64, count: Int) = (0, 0, 0)
  var ending: Ending?

  /// The job is to end.
  struct Ending {
    let since: Int64
    let stall: Stall?
  }

  private static let tick: Int64 = 250
  /// How often hosts hear of each other, in ticks.
  private static let ticksPerDatagram = 4
  /// After how long a process counts as silent: a busy machine may let its watch wait. Before that it
  /// is looked after, and counts as silent if it is stopped or gone.
  private static let silence: Int64 = 5_000
  private static let suspicion: Int64 = 1_000
  /// How long the others have to write down what they do, and then the launcher to end them.
  static let recordTime: Int64 = 3_000
  static let launcherTime: Int64 = 7_000
  private static let rowStride = 2
  private static let flagBytes = 128

  /// Begins to watch. Collective.
  ///
  /// - Parameters:
  ///   - communicator: All ranks of the job.
  ///   - processesAreVisible: Whether `kill` and /proc know the host's processes by the numbers that
  ///     they have for themselves.
  ///   - gather: The words of all ranks, in rank order.
  ///   - terminate: Ends all processes of the job with exit code 1, if the launcher can be reached.
  package init(
    communicator: any Communicator, processesAreVisible: Bool,
    gather: (_ words: [UInt64]) throws -> [UInt64], terminate: @escaping @Sendable () -> Void
  ) throws {
    let topology = communicator.topology
    self.topology = topology
    self.processesAreVisible = processesAreVisible
    self.terminate = terminate
    network = WatchNetwork()
    let wordCount = WatchNetwork.Address.wordCount + 1
    let all = try gather(network.own.words + [UInt64.random(in: .min ... .max)])
    addresses = (0..<topology.size).map {
      WatchNetwork.Address(words: all[$0 * wordCount..<($0 + 1) * wordCount - 1])
    }
    network.connect(
      key: all[wordCount - 1],
      peers: (0..<topology.size).filter { !topology.hostRanks.contains($0) }.map { [addresses] in
        addresses[$0]
      })
    memory = try communicator.allocateShared(
      byteCount: topology.isLeader
        ? Self.flagBytes + topology.localSize * Self.rowStride * MemoryLayout<CHost_WatchRow>.size
        : 0)
    guard let base = memory.segments[0].baseAddress else {
      preconditionFailure("the host's first rank has made no memory for the watch")
    }
    endFlag = base.assumingMemoryBound(to: UInt32.self)
    spokenFlag = endFlag + 1
    launcherFlag = endFlag + 2
    hostRows = (base + Self.flagBytes).assumingMemoryBound(to: CHost_WatchRow.self)
    ownRow = hostRows + topology.localRank * Self.rowStride
    ownRow.pointee.process = UInt32(getpid())
    rows = Array(repeating: CHost_WatchRow(), count: topology.size)
    let now = CHost_milliseconds()
    beats = Array(repeating: (0, now), count: topology.size)
    CHost_prepareStacks()
    start()
  }

  private static func milliseconds(_ duration: Duration) -> Int64 {
    Int64(duration / .milliseconds(1))
  }

  /// Watches with these limits.
  ///
  /// - Parameter directory: Where the run's files are, or will be.
  public func begin(_ limits: WatchLimits, activity: WatchActivity, directory: String) {
    self.directory = directory
    self.activity = activity
    self.limits = limits
  }

  /// Lets go: from now on ranks may end at any time.
  package func stop() { isStopped.store(true, ordering: .releasing) }

  public func hostName(ofRank rank: Int) -> String { addresses[rank].host }

  // MARK: What its rank tells

  func enter(group: UInt32, meeting: UInt32, call: CollectiveCall, step: Int) {
    let now = CHost_milliseconds()
    CHost_watchEnter(
      ownRow, group, meeting, call.kind.rawValue, Int32(truncatingIfNeeded: call.root),
      Int64(call.byteCount), Int64(step), now)
    record.enter(call, step: step, now: now)
  }

  func leave() {
    let now = CHost_milliseconds()
    CHost_watchLeave(ownRow, now)
    record.leave(now: now)
  }

  /// While the job ends, a rank that waits stays where it is.
  func parkIfEnding() {
    guard CHost_flag(endFlag) != 0, !isStopped.load(ordering: .acquiring) else { return }
    while true { sleep(1) }
  }

  // MARK: The thread

  private func start() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Signals are the other threads' business.
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let watch = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ProcessWatch>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, watch.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    pthread_attr_destroy(&attributes)
    if code != 0 { watch.release() }
  }

  private func run() {
    while !isStopped.load(ordering: .acquiring) {
      CHost_watchBeat(ownRow)
      look(now: CHost_milliseconds())
      ticks += 1
      var pause = timespec(tv_sec: 0, tv_nsec: Int(Self.tick) * 1_000_000)
      nanosleep(&pause, nil)
    }
  }

  private func look(now: Int64) {
    hear(now: now)
    if topology.hostCount > 1, ticks.isMultiple(of: Self.ticksPerDatagram) { tell() }
    if ending == nil, CHost_flag(endFlag) != 0 { beginEnding(now: now) }
    if ending != nil { return goOnEnding(now: now) }
    let mine = CHost_watchRow(ownRow)
    guard mine.isWaiting != 0 else { return }
    let waited = now - mine.since
    let (notice, end) = (
      noticeMilliseconds.load(ordering: .relaxed), endMilliseconds.load(ordering: .relaxed)
    )
    guard (notice > 0 && waited >= notice) || (end > 0 && waited >= end) else { return }

    let all = standings(now: now)
    let missing = RankStanding.missing(of: mine.group, in: all)
    let patience = ([activity] + missing.map(\.activity)).map(\.patience).max() ?? 1
    if end > 0, waited >= end * patience {
      _ = CHost_raiseFlag(endFlag)
      return beginEnding(now: now)
    }
    // A rank that was just stopped still counts as alive, and one that just arrived has not gone on yet:
    // to say now that no rank is missing could be wrong.
    if missing.isEmpty {
      let lastMove = rows.lazy.filter { $0.group == mine.group }.map(\.since).max() ?? now
      let isEarly = waited < notice * patience + 2 * Self.suspicion
      if isEarly || now - lastMove < Self.suspicion { return }
    }
    if noticed.meeting != mine.meeting || noticed.since != mine.since {
      noticed = (mine.meeting, mine.since, 0)
    }
    // At once, twice, four times … the time.
    guard notice > 0, waited >= notice * patience << Int64(min(noticed.count, 30)) else { return }
    noticed.count += 1
    guard RankStanding.speaker(of: mine.group, in: all) == topology.rank else { return }
    let stall = Stall(
      waiter: all[topology.rank], waitedSeconds: Int(waited / 1000), missing: missing)
    say("\(stall)")
  }

  /// Takes over the rows of this host, and of others what has come.
  private func hear(now: Int64) {
    for rank in topology.hostRanks {
      var row = CHost_watchRow(hostRows + (rank - topology.leader) * Self.rowStride)
      if processesAreVisible, rank != topology.rank, now - beats[rank].heard > Self.suspicion {
        row.state = CHost_processState(Int32(bitPattern: row.process))
      }
      take(row, of: rank, now: now)
    }
    let told = network.receive { rank, row in
      guard rank < topology.size, !topology.hostRanks.contains(rank) else { return }
      var row = row
      // Sent as how long ago, since hosts' clocks differ.
      row.since = now - row.since
      take(row, of: rank, now: now)
    }
    if told != .goesOn { _ = CHost_raiseFlag(endFlag) }
    if told == .endsAndIsTold { _ = CHost_raiseFlag(spokenFlag) }
  }

  private func take(_ row: CHost_WatchRow, of rank: Int, now: Int64) {
    rows[rank] = row
    if row.beat != beats[rank].count { beats[rank] = (row.beat, now) }
  }

  func isSilent(_ rank: Int, now: Int64) -> Bool {
    let quiet = now - beats[rank].heard
    guard rank != topology.rank, quiet > Self.suspicion else { return false }
    return quiet > Self.silence
      || RankStanding.Sign.isStopped(UInt8(truncatingIfNeeded: rows[rank].state))
  }

  /// Tells the other hosts of all ranks of this one, if this is the first of them that lives.
  func tell(evenIfOthersCan: Bool = false) {
    let now = CHost_milliseconds()
    let first = topology.hostRanks.first { !isSilent($0, now: now) }
    guard evenIfOthersCan || first == topology.rank else { return }
    let sent = topology.hostRanks.map { rank in
      var row = rows[rank]
      row.since = now - row.since
      return row
    }
    sent.withUnsafeBufferPointer {
      network.send(
        $0, firstRank: topology.leader,
        course: CHost_flag(spokenFlag) != 0
          ? .endsAndIsTold : CHost_flag(endFlag) != 0 ? .ends : .goesOn)
    }
  }

  // MARK: What it knows

  func standings(now: Int64) -> [RankStanding] {
    let hostIsSilent = topology.hosts.map { ranks in
      ranks.allSatisfy { isSilent($0, now: now) }
    }
    return (0..<topology.size).map { rank in
      let row = rows[rank]
      let host = topology.hostIndex(of: rank)
      let isLocal = host == topology.hostIndex
      let sign: RankStanding.Sign =
        if !isSilent(rank, now: now) {
          .alive
        } else if isLocal || !hostIsSilent[host] {
          .silent(state: UInt8(truncatingIfNeeded: row.state))
        } else if beats[rank].count == 0 {
          .hostUnheard
        } else {
          .hostSilent
        }
      return RankStanding(
        rank: rank, host: addresses[rank].host, processID: Int(addresses[rank].processID),
        group: row.group, meeting: row.meeting,
        call: CollectiveCall(
          CollectiveCall.Kind(rawValue: row.kind) ?? .barrier, byteCount: Int(row.byteCount),
          root: Int(row.root)),
        step: Int(row.step), isWaiting: row.isWaiting != 0,
        activity: WatchActivity(rawValue: row.activity) ?? .steps, sign: sign)
    }
  }

  /// Writes one line on standard error.
  func say(_ text: String) {
    let line = "lockstep: \(text)\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }
}
