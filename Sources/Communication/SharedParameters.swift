import LockstepParallelism

/// The flat parameter buffer: one on each host, in memory that its ranks share.
///
/// A rank updates what it owns in place, then all call `share`: inside a host that is a meeting,
/// between hosts each part travels once. `partition` divides the front of the buffer, which is trained; what
/// lies behind it stays as it was at first.
///
/// Between hosts, `share` can leave the parts on their way: `arrive` waits for the front of the buffer, and
/// a rank that asks for `values`, or meets other ranks, waits for all of it.
public final class SharedParameters {
  /// Which rank owns which part of the front of the buffer, which is trained.
  public let partition: SlicePartition
  /// Keeps the memory of `values` for as long as it lives.
  public let memory: SharedMemory
  /// How long this rank has waited in `arrive`, in seconds.
  public private(set) var secondsAwaited = 0.0

  private let communicator: any Communicator
  private let buffer: UnsafeMutableBufferPointer<Float>
  /// Nil where there is one host.
  private let transfer: Transfer?

  /// What carries parts between hosts.
  private struct Transfer {
    let exchange: PartExchange
    /// Of each rank of the host: so many times P + 1 elements and one more for each as it has begun to receive,
    /// and the first element that it has not yet.
    let progress: HostProgress
  }
  private var begunCount = 0
  private var isUnderWay = false
  private var thread: BackgroundThread?
  private var failure: (any Error)?

  /// Allocates the buffer. Collective.
  ///
  /// - Parameters:
  ///   - elementCount: P.
  ///   - trainedCount: How many of them, from the first, are trained. Default: all.
  ///   - owners: The ranks that share out what is trained, ascending. Default: all.
  ///   - layout: Where in it each rank's parts lie. Default: one slice for each.
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  public init(
    communicator: any Communicator, elementCount: Int, trainedCount: Int? = nil,
    owners: [Int]? = nil, layout: SlicePartition.Layout = .contiguous
  ) throws {
    self.communicator = communicator
    let trainedCount = trainedCount ?? elementCount
    precondition(0...elementCount ~= trainedCount, "\(trainedCount) of \(elementCount) are trained")
    let topology = communicator.topology
    partition = SlicePartition(
      elementCount: trainedCount, size: topology.size, owners: owners, layout: layout)
    memory = try communicator.allocateShared(
      byteCount: topology.isLeader ? elementCount * MemoryLayout<Float>.stride : 0)
    buffer = memory.segments[0].bindMemory(to: Float.self)
    let trained = UnsafeMutableBufferPointer(rebasing: buffer[..<trainedCount])
    transfer =
      topology.hostCount > 1
      ? Transfer(
        exchange: PartExchange(
          communicator: communicator, values: trained, partition: partition),
        progress: try HostProgress(communicator: communicator)) : nil
  }

  // What comes still needs its memory.
  deinit { try? finish() }

  /// The parameters, [P]. Zero at first. Ranks write only what they own, and only between a reduction and
  /// `share`; or those of each host write all of it, and then `settle`.
  public var values: UnsafeMutableBufferPointer<Float> {
    if isUnderWay {
      do { try finish() } catch { failure = error }
    }
    return buffer
  }

  /// The front of `values`, which is trained.
  public var trained: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: values[..<partition.elementCount])
  }

  /// `trained`, for code that reads only what this rank owns: the rest may be on its way.
  public var owned: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: buffer[..<partition.elementCount])
  }

  /// Makes what every rank owns visible to all. Collective.
  ///
  /// - Parameters:
  ///   - words: What each rank tells all others on the way; the same number on all ranks.
  ///     Default: nothing.
  ///   - inBackground: Whether parts may still be on their way between hosts when this returns. Default: no.
  /// - Returns: The words of each rank.
  @discardableResult
  public func share(
    contributing words: [UInt64] = [], inBackground: Bool = false
  ) throws -> [[UInt64]] {
    let all = try settle(contributing: words)
    guard let transfer else { return all }
    begunCount += 1
    isUnderWay = true
    transfer.exchange.begin()
    report(transfer.exchange.firstMissing)
    communicator.beforeMeeting = { [weak self] in try self?.finish() }
    if inBackground { goOn(transfer) } else { try finish() }
    return all
  }

  /// Makes visible on each host what its ranks have written there, where all hosts have written the same: nothing
  /// but the words travels. Collective.
  ///
  /// - Parameter words: As of `share`.
  @discardableResult
  public func settle(contributing words: [UInt64] = []) throws -> [[UInt64]] {
    let call = CollectiveCall(
      .share, byteCount: partition.elementCount * MemoryLayout<Float>.stride)
    try communicator.meet(call, contributing: words)
    return words.isEmpty
      ? [] : (0..<communicator.size).map { Array(communicator.contribution(of: $0)) }
  }

  /// Copies the whole buffer of `root`'s host to all hosts. Collective.
  public func broadcast(from root: Int = 0) throws {
    let byteCount = buffer.count * MemoryLayout<Float>.stride
    let call = CollectiveCall(.broadcast, byteCount: byteCount, root: root)
    try communicator.meet(call)
    let topology = communicator.topology
    let speakers = topology.hosts.map { $0.contains(root) ? root : $0.lowerBound }
    try communicator.spread(UnsafeMutableRawBufferPointer(buffer), from: root, among: speakers)
    try communicator.meet(call)
  }

  // MARK: - On their way

  /// Waits until the host has all elements up to this one. An error is thrown by `finish`.
  public func arrive(upTo end: Int) {
    guard isUnderWay, let transfer, !hasArrived(upTo: end, transfer) else { return }
    let begin = Timeline.now
    do {
      try wait(upTo: end, transfer)
      if !transfer.exchange.isComplete { goOn(transfer) }
    } catch {
      failure = error
      isUnderWay = false
    }
    secondsAwaited += Double(Timeline.now - begin) / 1e9
    communicator.timeline?.record("waiting", since: begin, [.init("elements", end)])
  }

  /// Waits until everything has come and gone; at once where nothing is under way.
  ///
  /// - Throws: `CommunicationError` of the way, once.
  public func finish() throws {
    if let failure {
      self.failure = nil
      throw failure
    }
    guard isUnderWay, let transfer else { return }
    isUnderWay = false
    try wait(upTo: partition.elementCount, transfer)
    try transfer.exchange.run(besideWork: false, until: { false }, reporting: report)
  }

  private func hasArrived(upTo end: Int, _ transfer: Transfer) -> Bool {
    transfer.progress.smallest >= place(end)
  }

  private func place(_ element: Int) -> Int { begunCount * (partition.elementCount + 1) + element }

  private func report(_ firstMissing: Int) { transfer?.progress.report(place(firstMissing)) }

  /// Takes the place of the thread until so much has arrived.
  private func wait(upTo end: Int, _ transfer: Transfer) throws {
    if let thread {
      self.thread = nil
      try thread.end()
    }
    try transfer.exchange.run(
      besideWork: false, until: { hasArrived(upTo: end, transfer) }, reporting: report)
    var patience = Patience()
    while !hasArrived(upTo: end, transfer) {
      try communicator.pause(
        &patience, besideWork: false, waitingFor: Array(communicator.topology.hostRanks))
    }
    communicator.endPause()
  }

  /// Leaves what is under way to a thread; where the system has none to give, to the next rank that waits for it.
  private func goOn(_ transfer: Transfer) {
    let (exchange, progress, base) = (transfer.exchange, transfer.progress, place(0))
    thread = BackgroundThread { isToStop in
      try exchange.run(
        besideWork: true, until: isToStop, reporting: { progress.report(base + $0) })
    }
  }
}
