import Foundation
import LockstepCommunication

/// A communicator whose messages arrive only where the rank's own thread waits for them: what a step has left on its
/// way in the background stays there.
final class IdleBackground: ForwardingCommunicator {
  private let thread = pthread_self()
  private var isOwnThread: Bool { pthread_equal(pthread_self(), thread) != 0 }
  /// Whether the rank's own thread may send and receive before what is under way has been finished. Default: yes.
  var mayInterrupt = true
  /// Called when the rank's own thread has waited for messages. Default: nobody is told.
  var afterMessages: () -> Void = {}

  struct Interrupted: Error {}

  override func progress(_ batch: MessageBatch) throws -> Bool {
    isOwnThread ? try super.progress(batch) : false
  }

  override func start(_ batch: MessageBatch) throws {
    if isOwnThread, !mayInterrupt, beforeMeeting != nil { throw Interrupted() }
    try super.start(batch)
  }

  override func finish(_ batch: MessageBatch) throws {
    try super.finish(batch)
    if isOwnThread { afterMessages() }
  }
}
