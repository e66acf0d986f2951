import LockstepParallelism
import Synchronization

/// A communicator of several ranks: a board on each host, a transport between them.
package final class GroupCommunicator: Communicator {
  package let topology: Topology
  package var step: Int {
    get { stepInProgress.load(ordering: .relaxed) }
    set { stepInProgress.store(newValue, ordering: .relaxed) }
  }
  /// Read by a thread that waits beside a step.
  private let stepInProgress = Atomic(0)
  package var stallWatch: StallWatch?
  package private(set) var watch: ProcessWatch?
  package var beforeMeeting: (() throws -> Void)?
  package private(set) var secondsWaited = 0.0
  package var timeline: Timeline? {
    get { record.timeline }
    set { record.timeline = newValue }
  }
  /// Shared with the groups that were split off.
  private let record: Record

  private final class Record {
    var timeline: Timeline?
  }

  private let transport: any Transport
  private let board: Board
  private let boardMemory: MemorySegment
  private let leaderBatch = MessageBatch()
  private var meeting: UInt32 = 0
  private var currentCall = CollectiveCall(.barrier)
  private var isMeeting = false
  /// The watch has been told that this rank waits in a loop of its caller's.
  private var isPausing = false
  /// Tells this group from the others of the job, to the watch.
  private let groupNumber: UInt32
  private var splitCount: UInt32 = 0
  private var stallCount = 0

  /// - Parameters:
  ///   - boardMemory: `Board.byteCount(for:)` zeroed bytes that the host's ranks share.
  ///   - groupNumber: Default: 0, that of all ranks of a job.
  package convenience init(
    transport: any Transport, boardMemory: MemorySegment, groupNumber: UInt32 = 0,
    watch: ProcessWatch? = nil
  ) {
    self.init(
      transport: transport, boardMemory: boardMemory, groupNumber: groupNumber, watch: watch,
      record: Record())
  }

  private init(
    transport: any Transport, boardMemory: MemorySegment, groupNumber: UInt32,
    watch: ProcessWatch?, record: Record
  ) {
    self.record = record
    let topology = transport.topology
    guard let memory = boardMemory.bytes.baseAddress,
      boardMemory.bytes.count >= Board.byteCount(for: topology)
    else { preconditionFailure("the board of \(topology.size) ranks needs more memory") }
    self.topology = topology
    self.transport = transport
    self.boardMemory = boardMemory
    self.groupNumber = groupNumber
    self.watch = watch
    board = Board(memory: memory, topology: topology)
  }

  /// Lets the ranks be watched over from now on.
  package func begin(_ watch: ProcessWatch) { self.watch = watch }

  // MARK: Meeting

  package func meet(
    _ call: CollectiveCall, contributing words: [UInt64],
    betweenHosts: ((MessageBatch) -> Void)?
  ) throws {
    if let finish = beforeMeeting {
      beforeMeeting = nil
      try finish()
    }
    meeting &+= 1
    currentCall = call
    stallCount = 0
    isMeeting = true
    isPausing = false
    watch?.enter(group: groupNumber, meeting: meeting, call: call, step: step)
    let begin = timeline == nil ? 0 : Timeline.now
    defer {
      isMeeting = false
      watch?.leave()
      timeline?.record(
        "\(call.kind)", since: begin, [.init("bytes", call.byteCount), .init("step", step)])
    }
    let entry = Board.Entry(
      kind: call.kind.rawValue, root: Int32(call.root), byteCount: Int64(call.byteCount),
      step: Int64(step), wordCount: Int64(words.count))
    board.arrive(meeting: meeting, entry: entry, words: words)
    if topology.hostCount == 1 || topology.isLeader {
      try timingWait { try waitForHost(entry) }
    }
    guard topology.hostCount > 1 else { return }
    if topology.isLeader {
      try meetLeaders(entry, betweenHosts: betweenHosts)
      board.release(meeting: meeting)
    } else {
      try timingWait { try waitForRelease(entry) }
    }
  }

  private func timingWait(_ wait: () throws -> Void) rethrows {
    let begin = Timeline.now
    defer {
      secondsWaited += Double(Timeline.now - begin) / 1e9
      timeline?.record("waiting", since: begin)
    }
    try wait()
  }

  package func contribution(of rank: Int) -> UnsafeBufferPointer<UInt64> {
    board.words(of: rank, meeting: meeting)
  }

  /// Waits for all ranks of the host, comparing each one's call as soon as it arrives.
  private func waitForHost(_ mine: Board.Entry) throws {
    var patience = Patience()
    var missing = topology.hostRanks.lowerBound
    while true {
      try compareArrived(with: mine)
      while missing < topology.hostRanks.upperBound, board.hasArrived(missing, meeting: meeting) {
        missing += 1
      }
      if missing == topology.hostRanks.upperBound {
        // The last to arrive came after the comparison above.
        return try compareArrived(with: mine)
      }
      board.pause(for: missing, meeting: meeting, patience: &patience)
      try checkGroup(waited: patience.elapsed()) { missingOnHost }
    }
  }

  private func waitForRelease(_ mine: Board.Entry) throws {
    var patience = Patience()
    while !board.isReleased(meeting: meeting) {
      try compareArrived(with: mine)
      board.pauseForRelease(meeting: meeting, patience: &patience)
      try checkGroup(waited: patience.elapsed()) { missingOnHost }
    }
  }

  /// Leaders tell each other the entries of their hosts, then exchange what the call asks for.
  private func meetLeaders(_ mine: Board.Entry, betweenHosts: ((MessageBatch) -> Void)?) throws {
    leaderBatch.removeAll()
    let own = board.entryBytes(of: topology.hostRanks, meeting: meeting)
    for (index, ranks) in topology.hosts.enumerated() where index != topology.hostIndex {
      leaderBatch.send(UnsafeRawBufferPointer(own), to: ranks.lowerBound)
      let theirs = board.entryBytes(of: ranks, meeting: meeting)
      leaderBatch.receive(into: theirs, from: ranks.lowerBound)
    }
    try timingWait { try exchange(leaderBatch) }
    for ranks in topology.hosts { try compare(ranks, with: mine) }
    guard let betweenHosts else { return }
    leaderBatch.removeAll()
    betweenHosts(leaderBatch)
    try exchange(leaderBatch)
  }

  private func compareArrived(with mine: Board.Entry) throws {
    for rank in topology.hostRanks where board.hasArrived(rank, meeting: meeting) {
      try compare(rank..<rank + 1, with: mine)
    }
  }

  /// Throws the verdict if one of `ranks`, all arrived, is in another call than this rank.
  private func compare(_ ranks: Range<Int>, with mine: Board.Entry) throws {
    for rank in ranks {
      let theirs = board.entry(of: rank, meeting: meeting)
      let agrees =
        theirs.kind == mine.kind && theirs.root == mine.root && theirs.byteCount == mine.byteCount
        && theirs.step == mine.step && theirs.wordCount == mine.wordCount
      if agrees { continue }
      let verdict = Board.Verdict(
        meeting: meeting, rank: Int32(max(rank, topology.rank)),
        otherRank: Int32(min(rank, topology.rank)))
      throw mismatch(board.publish(verdict))
    }
  }

  private func mismatch(_ verdict: Board.Verdict) -> CommunicationError {
    func call(of rank: Int32) -> (rank: Int, call: CollectiveCall, step: Int) {
      let entry = board.entry(of: Int(rank), meeting: verdict.meeting)
      let call = CollectiveCall(
        CollectiveCall.Kind(rawValue: entry.kind) ?? .barrier, byteCount: Int(entry.byteCount),
        root: Int(entry.root))
      return (Int(rank), call, Int(entry.step))
    }
    let (one, other) = (call(of: verdict.rank), call(of: verdict.otherRank))
    return .mismatch(
      CollectiveMismatch(
        rank: one.rank, call: one.call, step: one.step,
        otherRank: other.rank, otherCall: other.call, otherStep: other.step))
  }

  private var missingOnHost: [Int] {
    topology.hostRanks.filter { !board.hasArrived($0, meeting: meeting) }
  }

  /// Throws if the group has come to an end while this rank waits, and tells of long waits.
  private func checkGroup(waited: Duration, missing: () -> [Int]) throws {
    watch?.parkIfEnding()
    if let verdict = board.verdict { throw mismatch(verdict) }
    try transport.checkPeers(waited: waited, step: step, call: currentCall)
    guard watch == nil, let stallWatch, waited > stallWatch.interval * (stallCount + 1) else {
      return
    }
    stallCount += 1
    stallWatch.report(
      StallWatch.Stall(waited: waited, call: currentCall, step: step, missing: missing()))
  }

  // MARK: Messages

  package func start(_ batch: MessageBatch) throws {
    precondition(!batch.isUnderWay, "a batch can be started again only when it is finished")
    endPause()
    batch.isUnderWay = true
    try transport.start(batch)
  }

  package func finish(_ batch: MessageBatch) throws {
    precondition(batch.isUnderWay, "a batch must be started before it can be finished")
    var patience = Patience()
    // Messages of a meeting are part of it; others are waited for by themselves.
    var isTold = isMeeting
    let begin = timeline == nil ? 0 : Timeline.now
    defer {
      if isTold && !isMeeting { watch?.leave() }
      timeline?.record("messages", since: begin, [.init("bytes", batch.byteCount)])
    }
    while try !transport.progress(batch) {
      if !isTold {
        isTold = true
        watch?.enter(group: groupNumber, meeting: meeting, call: currentCall, step: step)
      }
      patience.yieldOrNap()
      try checkGroup(waited: patience.elapsed()) { Set(batch.messages.map(\.peer)).sorted() }
    }
    batch.isUnderWay = false
  }

  package func progress(_ batch: MessageBatch) throws -> Bool {
    if !batch.isUnderWay { return true }
    guard try transport.progress(batch) else { return false }
    endPause()
    batch.isUnderWay = false
    return true
  }

  package func pause(
    _ patience: inout Patience, besideWork: Bool, waitingFor ranks: @autoclosure () -> [Int]
  ) throws {
    patience.yieldOrNap()
    let waited = patience.elapsed()
    // Short waits are many, and the watch looks a few times a second.
    if !besideWork, !isPausing, waited > Self.toldWait {
      isPausing = true
      watch?.enter(group: groupNumber, meeting: meeting, call: currentCall, step: step)
    }
    try checkGroup(waited: waited) { ranks() }
  }

  private static let toldWait = Duration.milliseconds(100)

  /// What this rank waited for in a loop of its caller's has come.
  package func endPause() {
    guard isPausing else { return }
    isPausing = false
    watch?.leave()
  }

  // MARK: Memory

  package func allocateShared(byteCount: Int) throws -> SharedMemory {
    try checkMemory(byteCount: byteCount)
    // Every rank goes through all meetings whatever happens to it, so that all learn of a failure.
    var mine: (segment: MemorySegment, name: [UInt64])?
    var failure: CommunicationError?
    do {
      mine = try transport.makeSegment(byteCount: byteCount)
    } catch let error as CommunicationError { failure = error }
    try meet(
      CollectiveCall(.allocateShared),
      contributing: [Self.errorCode(failure)] + (mine?.name ?? [0, 0, 0]))
    try throwFailure(of: "make", byteCount: byteCount, own: failure)

    let names = topology.hostRanks.map { Array(contribution(of: $0).dropFirst()) }
    var segments: [MemorySegment] = []
    do {
      for (localRank, name) in names.enumerated() {
        if localRank == topology.localRank, let mine {
          segments.append(mine.segment)
        } else {
          segments.append(try transport.openSegment(named: name))
        }
      }
    } catch let error as CommunicationError { failure = error }
    try meet(CollectiveCall(.allocateShared), contributing: [Self.errorCode(failure)])
    transport.forgetNames()
    try throwFailure(of: "open", byteCount: byteCount, own: failure)
    return SharedMemory(segments)
  }

  /// Throws, on all ranks, if a host's ranks ask for more than it has. Linux would grant the memory
  /// and then kill processes that use it.
  private func checkMemory(byteCount: Int) throws {
    // What the ranks of a host have given back before this is counted as available.
    try meet(CollectiveCall(.allocateShared))
    let available = topology.isLeader ? transport.availableMemory : nil
    try meet(
      CollectiveCall(.allocateShared),
      contributing: [UInt64(byteCount), UInt64(available ?? Int.max)])
    for ranks in topology.hosts {
      let wanted = ranks.reduce(0) { $0 + Int(contribution(of: $1)[0]) }
      let available = Int(contribution(of: ranks.lowerBound)[1])
      guard wanted > available else { continue }
      throw CommunicationError.outOfMemory(
        byteCount: wanted, availableBytes: available, ranks: ranks)
    }
  }

  private static func errorCode(_ failure: CommunicationError?) -> UInt64 {
    guard case .sharedMemory(_, _, let code, _, _)? = failure else { return 0 }
    return UInt64(code)
  }

  /// Throws this rank's own failure, or the first that another rank has just told of.
  private func throwFailure(of operation: String, byteCount: Int, own: CommunicationError?) throws {
    if let own { throw own }
    for rank in 0..<topology.size {
      let code = Int(contribution(of: rank)[0])
      guard code != 0 else { continue }
      throw CommunicationError.sharedMemory(
        operation: operation, byteCount: byteCount, code: code, rank: rank, freeBytes: nil)
    }
  }

  // MARK: Parts

  package func split(color: Int) throws -> any Communicator {
    precondition(color >= 0, "a group's colour is at least 0, not \(color)")
    try meet(CollectiveCall(.split), contributing: [UInt64(color)])
    let members = (0..<topology.size).filter { contribution(of: $0)[0] == UInt64(color) }
    let part = topology.part(of: members)
    // Each part has a board on each host, which the first of its ranks there provides.
    let boards = try allocateShared(byteCount: part.isLeader ? Board.byteCount(for: part) : 0)
    splitCount &+= 1
    let number = groupNumber &* 31 &+ splitCount &* 65_599 &+ UInt32(truncatingIfNeeded: color)
    let parts = try watchedOver(CollectiveCall(.split)) {
      try transport.split(color: color, members: members, topology: part)
    }
    return GroupCommunicator(
      transport: parts, boardMemory: boards.owners[members[part.leader] - topology.leader],
      groupNumber: number &+ 1, watch: watch, record: record)
  }

  // MARK: Sum and end

  package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws {
    let call = CollectiveCall(.allReduce, byteCount: values.count * MemoryLayout<Float>.stride)
    try meet(call)
    // Each piece is a wait by itself to the watch, so that a slow link is not taken for a lost rank.
    for start in stride(from: 0, to: values.count, by: Self.summedPiece) {
      let piece = UnsafeMutableBufferPointer(
        rebasing: values[start..<min(values.count, start + Self.summedPiece)])
      try watchedOver(call) { try transport.allReduceSum(piece) { try meet(call) } }
    }
  }

  /// Elements that are summed by one call of the transport's: 64 MiB, which a link of 100 Mbit/s carries there and
  /// back in 11 s.
  private static let summedPiece = 1 << 24

  /// Lets the watch know that this rank waits, in a call of the transport's that does not look after its peers.
  private func watchedOver<Result>(
    _ call: CollectiveCall, _ body: () throws -> Result
  ) rethrows -> Result {
    watch?.enter(group: groupNumber, meeting: meeting, call: call, step: step)
    defer { watch?.leave() }
    return try body()
  }

  package func abort(because error: any Error, exitCode: Int32) {
    transport.abort(because: error, exitCode: exitCode, isReporter: board.claimReport())
  }
}
