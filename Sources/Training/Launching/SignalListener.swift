import CLockstepHost
import Foundation

/// Hands signals to a function on a thread of its own while it exists, from its making on; then the process does at
/// them again what it did before.
///
/// Of several that listen to a signal the one made last gets it; they are let go in the opposite order.
public final class SignalListener {
  private let caught: OpaquePointer

  package init(signals: [Int32], handle: @escaping @Sendable (Int32) -> Void) {
    guard let caught = CHost_catchSignals(signals, Int32(signals.count)) else {
      preconditionFailure("there is no memory to catch signals with")
    }
    self.caught = caught
    // The thread alone has it when this listener is gone.
    nonisolated(unsafe) let awaited = caught
    Thread.detachNewThread {
      while true {
        let number = CHost_awaitSignal(awaited)
        guard number != 0 else { return }
        handle(number)
      }
    }
  }

  /// Whether the process has been told to ignore a signal.
  static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    return handler == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  deinit { CHost_releaseSignals(caught) }
}
