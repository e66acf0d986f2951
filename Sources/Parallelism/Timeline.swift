import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// What a rank did when: spans of time on its threads, kept for a few steps that someone wants to look at.
///
/// Any thread may record. Nobody has a timeline unless it was asked for.
public final class Timeline: Sendable {
  /// Where a span is drawn.
  public enum Lane: Hashable, Sendable {
    /// The thread that made the timeline: the rank itself.
    case rank
    /// A thread that sums gradients while the rank goes on.
    case communication
    /// A worker of the rank's thread pool, from 1.
    case worker(Int)
  }

  public struct Span: Equatable, Sendable {
    public let name: String
    public let lane: Lane
    /// Nanoseconds of this host's monotonic clock.
    public let begin: Int
    public let end: Int
    /// What there is to say of it, such as its bytes.
    public let details: [Detail]
  }

  public struct Detail: Equatable, Sendable {
    public let name: String
    public let number: Int

    public init(_ name: String, _ number: Int) {
      self.name = name
      self.number = number
    }
  }

  private let spans = Mutex<[Span]>([])
  private let owner = pthread_self()

  public init() {}

  /// The lane of the thread that calls: the rank's, unless it is another thread.
  public var lane: Lane { pthread_equal(owner, pthread_self()) != 0 ? .rank : .communication }

  /// Nanoseconds of this host's monotonic clock, the same for all processes of a host.
  public static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// Records what has just ended.
  ///
  /// - Parameter lane: Default: that of the calling thread.
  public func record(
    _ name: String, since begin: Int, on lane: Lane? = nil, _ details: [Detail] = []
  ) {
    let span = Span(
      name: name, lane: lane ?? self.lane, begin: begin, end: Self.now, details: details)
    spans.withLock { $0.append(span) }
  }

  /// What was recorded, in the order of the ends.
  public func takeSpans() -> [Span] {
    spans.withLock { spans in
      let all = spans
      spans = []
      return all
    }
  }
}

extension Timeline? {
  /// Runs `body`, and records it where there is a timeline.
  public func record<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    guard let self else { return try body() }
    let begin = Timeline.now
    defer { self.record(name, since: begin) }
    return try body()
  }
}
