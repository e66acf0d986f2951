import Foundation
import Synchronization

/// Notices Ctrl-C in a conversation: the first stops the answer that is being written, and where none is,
/// or at the second, the process ends.
public final class ChatInterruption: Sendable {
  private enum State {
    static let waiting = 0
    static let answering = 1
    static let stopping = 2
  }

  private let state = Atomic<Int>(State.waiting)

  public init() {}

  /// An answer begins.
  public func begin() { state.store(State.answering, ordering: .releasing) }

  /// The answer is there.
  public func end() { state.store(State.waiting, ordering: .releasing) }

  /// Whether the answer is to stop.
  public var isRequested: Bool { state.load(ordering: .acquiring) == State.stopping }

  /// Listens until the returned value is let go.
  public func listen() -> SignalListener {
    SignalListener(signals: [SIGINT]) { [weak self] in self?.request(signal: $0) }
  }

  /// What Ctrl-C does.
  func request(signal: Int32) {
    let (isFirst, found) = state.compareExchange(
      expected: State.answering, desired: State.stopping, ordering: .acquiringAndReleasing)
    // The terminal has shown ^C.
    if !isFirst { _exit(found == State.waiting ? 0 : 128 + signal) }
  }
}
