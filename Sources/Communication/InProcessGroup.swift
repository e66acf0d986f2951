import LockstepParallelism

#if canImport(Glibc)
  import Glibc
#endif

/// Ranks that are threads of one process: for debugging, where breakpoints and sanitizers see all
/// ranks at once. They run the very code of a distributed run, over memory instead of MPI.
public final class InProcessGroup: Sendable {
  public let size: Int
  let ranksPerHost: Int
  let mailboxes: Mailboxes
  /// One for each host that the group pretends to have.
  private let boards: [MemorySegment]
  private let state: Locked<State>

  private struct State {
    var failure: CommunicationError?
    /// All segments live as long as the group, since a rank may end before its neighbour reads.
    var segments: [UInt: MemorySegment] = [:]
    /// Where each rank's vector of the plain sum in progress lies.
    var addresses: [UInt]
  }

  /// - Parameters:
  ///   - size: The number of ranks, at least 1.
  ///   - ranksPerHost: Pretends that each so many ranks are a host of their own, between which only
  ///     messages travel. Default: all on one host.
  public init(size: Int, ranksPerHost: Int? = nil) throws {
    precondition(size >= 1, "a group needs at least 1 rank, not \(size)")
    self.size = size
    self.ranksPerHost = max(1, ranksPerHost ?? size)
    mailboxes = Mailboxes(size: size)
    state = Locked(State(addresses: Array(repeating: 0, count: size)))
    boards = try stride(from: 0, to: size, by: self.ranksPerHost).map { first in
      let topology = Topology(size: size, ranksPerHost: ranksPerHost ?? size, rank: first)
      return try MemorySegment(
        privateByteCount: Board.byteCount(for: topology), rank: first)
    }
  }

  /// The communicator of one rank; at most one for each, used by one thread.
  public func communicator(rank: Int) -> any Communicator {
    let topology = Topology(size: size, ranksPerHost: ranksPerHost, rank: rank)
    return GroupCommunicator(
      transport: InProcessTransport(group: self, topology: topology),
      boardMemory: boards[topology.hostIndex])
  }

  /// Runs `body` on every rank, each on a thread of its own, and waits for all.
  ///
  /// - Returns: The results, in rank order.
  /// - Throws: The error of the rank that failed first; the others are made to end. Of a `SharedError`,
  ///   with which all end by themselves, that of the rank that speaks.
  public func run<Result: Sendable>(
    _ body: @escaping @Sendable (any Communicator) throws -> Result
  ) throws -> [Result] {
    let results = Locked([Int: Swift.Result<Result, any Error>]())
    let first = Locked<(any Error)?>(nil)
    let threads = (0..<size).map { rank in
      RankThread(name: "rank \(rank)") { [self] in
        let communicator = communicator(rank: rank)
        let result = Swift.Result { try body(communicator) }
        if case .failure(let error) = result, !(error is any SharedError) {
          first.withLock { $0 = $0 ?? error }
          communicator.abort(because: error, exitCode: 1)
        }
        results.withLock { $0[rank] = result }
      }
    }
    for thread in threads { thread.join() }
    if let error = first.withLock({ $0 }) { throw error }
    return try results.withLock { results in
      let all = (0..<size).compactMap { results[$0] }
      for case .failure(let error as any SharedError) in all where error.speaks { throw error }
      return try all.map { try $0.get() }
    }
  }

  /// What made the group end early, if anything did.
  var failure: CommunicationError? { state.withLock { $0.failure } }

  func fail(_ failure: CommunicationError) {
    state.withLock { $0.failure = $0.failure ?? failure }
  }

  func keep(_ segment: MemorySegment) {
    state.withLock { $0.segments[UInt(bitPattern: segment.bytes.baseAddress)] = segment }
  }

  /// A segment that another rank has made.
  func segment(at address: UInt, byteCount: Int) throws -> MemorySegment {
    if byteCount == 0 { return MemorySegment(mapped: nil, byteCount: 0) }
    guard let segment = state.withLock({ $0.segments[address] }) else {
      preconditionFailure("no rank of this group has made the segment that is opened")
    }
    return segment
  }

  func publish(address: UInt, rank: Int) { state.withLock { $0.addresses[rank] = address } }

  var addresses: [UInt] { state.withLock { $0.addresses } }
}

/// An error that all ranks throw together: each ends by itself, and none has to be made to.
public protocol SharedError: Error {
  /// Whether it is this rank's that tells what went wrong.
  var speaks: Bool { get }
}

/// A thread with a stack as large as a main thread's, since a rank runs a whole training on it.
private final class RankThread {
  private static let stackByteCount = 16 << 20
  private var thread = pthread_t()

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// - Parameter name: What debuggers show; at most 15 bytes.
  init(name: String, _ run: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, Self.stackByteCount)
    let body = Unmanaged.passRetained(
      Body {
        Self.nameThisThread(name)
        run()
      })
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    pthread_attr_destroy(&attributes)
    if code != 0 { ThreadShortage.end(code) }
  }

  func join() { pthread_join(thread, nil) }

  /// A name is for debuggers only: nothing depends on it. Swift's Glibc module has no
  /// pthread_setname_np.
  private static func nameThisThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, strlen($0)) }
    close(file)
  }
}
