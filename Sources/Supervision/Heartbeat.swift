import Foundation
import Synchronization

/// Tells the other side that this process lives, from a thread of its own.
///
/// Whatever the rest of the process waits for meanwhile, a console that nobody reads, a name that nobody answers for
/// or the end of a job's processes, nobody takes it for gone.
final class Heartbeat: Sendable {
  /// As long as it is open: its number may be another file's afterwards.
  private let descriptor: Mutex<Int32?>

  /// - Parameter descriptor: Where beats are written, and nobody waits.
  init(to descriptor: Int32) {
    self.descriptor = Mutex(descriptor)
    Thread.detachNewThread { [self] in
      // Of a side that is gone a signal would tell, too.
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, nil)
      while beat() { usleep(useconds_t(Keeper.interval * 1e6)) }
    }
  }

  /// - Returns: Whether there is somebody to tell.
  private func beat() -> Bool {
    descriptor.withLock { descriptor in
      guard let descriptor else { return false }
      DescriptorBytes.send([Keeper.Signal.beat.rawValue], to: descriptor)
      return true
    }
  }

  /// After this nothing is written any more, and the descriptor may be closed.
  func stop() { descriptor.withLock { $0 = nil } }
}
