import LockstepTraining
import Synchronization

/// How many signals have asked for the end.
final class SignalCount: Sendable {
  private let received = Atomic<Int>(0)

  var count: Int { received.load(ordering: .acquiring) }

  /// Listens until the returned value is let go.
  func listen() -> SignalListener {
    StopRequest.listen { [weak self] _ in
      _ = self?.received.add(1, ordering: .acquiringAndReleasing)
    }
  }
}
