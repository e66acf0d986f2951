import Foundation
import Synchronization

/// Notices SIGTERM, SIGINT, SIGHUP and SIGUSR1, so that the trainer can save at the end of its step.
///
/// A second SIGINT ends the process at once, without saving. A SIGHUP that the process was started to
/// ignore, as by `nohup`, stays ignored.
public final class StopRequest: Sendable {
  /// The signals that ask for a stop.
  public static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]

  private let received = Atomic<Int32>(0)

  public init() {}

  /// The signal that asked first; nil while none has.
  public var signal: Int32? {
    let number = received.load(ordering: .acquiring)
    return number == 0 ? nil : number
  }

  /// Asks for a stop, as a signal does.
  public func request(signal: Int32) {
    let (isFirst, _) = received.compareExchange(
      expected: 0, desired: signal, ordering: .acquiringAndReleasing)
    if !isFirst && signal == SIGINT { _exit(128 + signal) }
  }

  /// Runs `body` with a request that the process's signals make meanwhile; afterwards they do again what
  /// they did before.
  ///
  /// Where ranks are processes, `Launch.run` belongs into the body: a signal that comes while they find each other
  /// would end the process otherwise.
  public static func bySignals<Result>(
    _ body: (_ stop: StopRequest) throws -> Result
  ) rethrows -> Result {
    let stop = StopRequest()
    let listener = listen { stop.request(signal: $0) }
    return try withExtendedLifetime(listener) { try body(stop) }
  }

  /// Hands each signal that asks for a stop to a function, until the returned value is let go.
  package static func listen(_ handle: @escaping @Sendable (Int32) -> Void) -> SignalListener {
    let signals = Self.signals.filter { $0 != SIGHUP || !SignalListener.isIgnored($0) }
    return SignalListener(signals: signals, handle: handle)
  }

  /// "SIGTERM" for 15 and so on.
  public static func name(of signal: Int32) -> String {
    switch signal {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case SIGHUP: "SIGHUP"
    case SIGUSR1: "SIGUSR1"
    default: "signal \(signal)"
    }
  }
}
