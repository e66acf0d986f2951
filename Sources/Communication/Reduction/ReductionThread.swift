import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A thread that sends and sums what the last micro-batch's backward pass has finished while that goes
/// on. It exists between hosts only, and only during such a backward pass.
///
/// From its start to its end the communicator is its own: MPI lets one thread call it at a time.
final class ReductionThread {
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

/// How far the ranks of a host have come with their last gradients, in memory that they share.
final class GradientProgress {
  /// Bytes between two ranks' words: processors fetch pairs of cache lines.
  private static let stride = 128
  private let memory: SharedMemory
  private let topology: Topology

  /// Collective.
  init(communicator: any Communicator) throws {
    topology = communicator.topology
    memory = try communicator.allocateShared(
      byteCount: topology.isLeader ? topology.localSize * Self.stride : 0)
  }

  private func word(of localRank: Int) -> UnsafeMutablePointer<Atomic<Int>>? {
    memory.segments[0].baseAddress.map {
      ($0 + localRank * Self.stride).assumingMemoryBound(to: Atomic<Int>.self)
    }
  }

  /// This rank changes no element from this one on any more.
  func report(_ firstFinal: Int) {
    word(of: topology.localRank)?.pointee.store(firstFinal, ordering: .releasing)
  }

  /// The first element that no rank of the host changes any more, as none behind it.
  var firstFinal: Int {
    (0..<topology.localSize).reduce(0) {
      max($0, word(of: $1)?.pointee.load(ordering: .acquiring) ?? 0)
    }
  }
}
