import CLockstepHost

#if canImport(Glibc)
  import Glibc
#endif

/// How a rank waits: without holding the processor, since ranks may outnumber processors.
///
/// It looks again for about a microsecond, less than it takes to give a processor away; then it
/// yields, at half a microsecond a time when nobody else wants the processor; after about half a
/// millisecond it sleeps, so that it stays out of the way of ranks that compute.
public struct Patience {
  /// Nanoseconds after which a sleeper looks up by itself, to notice failures.
  package static let longestSleep: Int64 = 50_000_000

  private static let lookCount = 32
  private static let yieldCount = 1_000
  private static let longestNap = 200_000

  private var polls = 0
  private var nap = 10_000
  private var beginning: ContinuousClock.Instant?

  package init() {}

  /// Naps from the beginning: beside a thread that computes.
  package static var napping: Patience {
    var patience = Patience()
    patience.polls = yieldCount
    return patience
  }

  /// Pauses or yields and returns true, or returns false when it is time to sleep.
  package mutating func yields() -> Bool {
    polls += 1
    if polls > Self.yieldCount { return false }
    if polls > Self.lookCount { sched_yield() } else { CHost_relax() }
    return true
  }

  /// Yields, later naps for 10 to 200 µs: for messages, which no one announces.
  package mutating func yieldOrNap() {
    if yields() { return }
    var duration = timespec(tv_sec: 0, tv_nsec: nap)
    nanosleep(&duration, nil)
    nap = min(nap * 2, Self.longestNap)
  }

  /// How long the wait has lasted since the yields ended; zero before that.
  package mutating func elapsed() -> Duration {
    guard polls > Self.yieldCount else { return .zero }
    let now = ContinuousClock.now
    guard let beginning else {
      self.beginning = now
      return .zero
    }
    return beginning.duration(to: now)
  }
}
