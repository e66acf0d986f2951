import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A thread that communicates while its rank computes: what a backward pass has finished, or parameters that
/// the next forward pass will need. It exists between hosts only, and only for as long as there is something to
/// do.
///
/// From its start to its end the communicator is its own: MPI lets one thread call it at a time.
final class BackgroundThread {
  private let isToStop = Stop()
  private var thread = pthread_t()
  private let body: Body

  /// Told by one thread, asked by the other.
  private final class Stop: Sendable {
    let isSet = Atomic(false)
  }

  /// What the thread is given; the caller looks at `failure` when it has ended.
  private final class Body: @unchecked Sendable {
    let run: (_ isToStop: () -> Bool) throws -> Void
    let isToStop: Stop
    var failure: (any Error)?

    init(_ isToStop: Stop, _ run: @escaping (_ isToStop: () -> Bool) throws -> Void) {
      self.run = run
      self.isToStop = isToStop
    }
  }

  /// Starts the thread.
  ///
  /// - Parameter run: Ends soon after its argument has become true. Uses nothing that the caller uses
  ///   before `end()` without a guard.
  /// - Returns: Nil where the system has no more threads to give.
  init?(_ run: @escaping (_ isToStop: () -> Bool) throws -> Void) {
    body = Body(isToStop, run)
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        do {
          try body.run { body.isToStop.isSet.load(ordering: .acquiring) }
        } catch { body.failure = error }
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    guard code == 0 else {
      Unmanaged.passUnretained(body).release()
      return nil
    }
  }

  /// Asks the thread to leave the rest to the caller, and waits for that.
  ///
  /// - Throws: What the thread threw.
  func end() throws {
    isToStop.isSet.store(true, ordering: .releasing)
    pthread_join(thread, nil)
    if let failure = body.failure { throw failure }
  }
}
