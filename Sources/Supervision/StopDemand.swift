import Foundation
import LockstepTraining
import Synchronization

/// What the signals so far demand of a supervisor.
///
/// The first one has the run saved and stopped. Without saving it ends only for someone who insists: by SIGINT,
/// Ctrl-C, after any other signal, or by a second SIGTERM some seconds after the first. All others come more than
/// once without meaning it: of a terminal that is closed a shell and the kernel both tell by SIGHUP, and a scheduler
/// warns by SIGUSR1 before it sends SIGTERM.
package struct StopDemand: Equatable, Sendable {
  package enum Kind: Sendable {
    case none
    /// Save, and stop.
    case save
    /// End at once.
    case end
  }

  package private(set) var kind = Kind.none
  private var terminated: ContinuousClock.Instant?

  /// How long after the first SIGTERM another one is a second thought: a scheduler may send one to a script and one
  /// to its processes.
  package static let secondThought = Duration.seconds(5)

  package init() {}

  /// Takes a signal in.
  package mutating func receive(_ signal: Int32, at now: ContinuousClock.Instant = .now) {
    if kind == .none {
      kind = .save
    } else if signal == SIGINT {
      kind = .end
    } else if signal == SIGTERM, let terminated,
      terminated.duration(to: now) >= Self.secondThought
    {
      kind = .end
    }
    if signal == SIGTERM { terminated = terminated ?? now }
  }
}

/// What the signals of this process demand.
final class StopSignals: Sendable {
  private let received = Mutex(StopDemand())

  var demand: StopDemand.Kind { received.withLock { $0.kind } }

  /// Listens until the returned value is let go.
  func listen() -> SignalListener {
    StopRequest.listen { [weak self] signal in self?.received.withLock { $0.receive(signal) } }
  }
}
