import Dispatch
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Ends this process where it waits too long for the others of its job while nobody watches over them: before they
/// have found each other, and after they have parted. The launcher ends the rest when one process has ended.
public final class WaitLimit: Sendable {
  private let isOver = DispatchSemaphore(value: 0)

  /// Begins to count.
  ///
  /// - Parameters:
  ///   - seconds: Above 0.
  ///   - rank: As the launcher numbers it.
  ///   - report: Says what is wrong, before the process ends with 1.
  public init(seconds: Double, rank: Int, report: @escaping @Sendable () -> Void) {
    let isOver = isOver
    // One after the other, so that usually one of them speaks before the launcher ends all.
    let limit = seconds + 0.2 * Double(min(rank, 50))
    Thread.detachNewThread {
      guard isOver.wait(timeout: .now() + limit) == .timedOut else { return }
      report()
      _exit(1)
    }
  }

  /// The wait is over.
  public func end() { isOver.signal() }
}
