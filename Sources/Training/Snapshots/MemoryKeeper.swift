import CLockstepHost
import Foundation
import LockstepCommunication

/// Keeps memory for the ranks of a job on this host: they come and go, the keeper's process stays.
///
/// The memory is anonymous and has no name. A rank gets it through a socket, whose name is no file
/// either, so that nothing is ever left behind, however the keeper ends. Only processes of the same
/// user are answered.
package final class MemoryKeeper {
  private let listener: Listener
  private let store = KeptSegments()

  /// The socket, as long as it is open: its number may be another file's afterwards.
  private final class Listener: Sendable {
    private let open: Locked<Int32?>

    init(_ descriptor: Int32) { open = Locked(descriptor) }

    /// Wakes the thread that waits for a connection.
    func shutDown() { open.withLock { if let socket = $0 { shutdown(socket, Int32(SHUT_RDWR)) } } }

    func closeSocket() {
      open.withLock { open in
        if let socket = open { close(socket) }
        open = nil
      }
    }
  }

  /// Begins to keep.
  ///
  /// - Parameter mark: The job's.
  /// - Returns: Nil where another process of this host keeps memory for the job already, or no socket can
  ///   be had: then the job goes on without.
  package init?(mark: String) {
    var opened: Int32 = -1
    guard CHost_listenByName(KeeperRequest.socketName(mark: mark), &opened) == 0 else {
      return nil
    }
    let socket = opened
    listener = Listener(socket)
    Thread.detachNewThread { [store, listener] in
      while true {
        var connection: Int32 = -1
        let code = CHost_acceptOwn(socket, &connection)
        if connection >= 0 {
          store.answer(connection)
          close(connection)
        } else if ![EPERM, ECONNABORTED, EMFILE, ENFILE].contains(code) {
          listener.closeSocket()
          return
        } else if [EMFILE, ENFILE].contains(code) {
          // A waiting thread goes on waiting; files may be closed meanwhile.
          usleep(10_000)
        }
      }
    }
  }

  deinit { stop() }

  /// Answers nobody any more. What is kept stays as long as this object.
  package func stop() { listener.shutDown() }

  /// What the complete parts of snapshots on this host are.
  package var summaries: [ShardSummary] { store.summaries }
}

/// The segments of a keeper.
private final class KeptSegments: Sendable {
  private struct Segment {
    let file: Int32
    let byteCount: Int
    let memory: MemorySegment
  }

  private struct State {
    var segments: [UInt64: Segment] = [:]
    var count: UInt64 = 0
  }

  private let state = Locked(State())

  deinit { dropAll() }

  func dropAll() {
    state.withLock { state in
      for segment in state.segments.values { close(segment.file) }
      state.segments = [:]
    }
  }

  var summaries: [ShardSummary] {
    state.withLock { state in
      state.segments.values.compactMap { SnapshotShard($0.memory).summary }
    }
  }

  func answer(_ connection: Int32) {
    var words = [UInt64](repeating: 0, count: KeeperRequest.wordCount)
    var file: Int32 = -1
    let count = Int64(KeeperRequest.wordCount)
    guard CHost_receiveWords(connection, &words, count, &file) == 0 else { return }
    if file >= 0 { close(file) }
    func reply(_ number: UInt64, _ value: Int, _ file: Int32) {
      _ = CHost_sendWords(connection, [number, UInt64(value)], count, file)
    }
    switch KeeperRequest(rawValue: words[0]) {
    case .list:
      state.withLock { state in
        for (number, segment) in state.segments.sorted(by: { $0.key < $1.key }) {
          reply(number, segment.byteCount, segment.file)
        }
      }
      reply(0, 0, -1)
    case .make:
      do throws(KeptMemoryError) {
        let (number, segment) = try make(byteCount: Int(truncatingIfNeeded: words[1]))
        reply(number, segment.byteCount, segment.file)
      } catch {
        reply(0, Int(error.code), -1)
      }
    case .drop:
      if let segment = state.withLock({ $0.segments.removeValue(forKey: words[1]) }) {
        close(segment.file)
      }
      reply(0, 0, -1)
    case nil: reply(0, Int(EINVAL), -1)
    }
  }

  private func make(byteCount: Int) throws(KeptMemoryError) -> (UInt64, Segment) {
    guard byteCount >= SnapshotShard.headerByteCount else { throw KeptMemoryError(code: EINVAL) }
    var name = CHost_SegmentName()
    var file: Int32 = -1
    try KeptMemoryError.check(CHost_makeSegment(Int64(byteCount), 0, 0, &name, &file))
    let memory: MemorySegment
    do throws(KeptMemoryError) {
      // Its begin is all that the keeper looks at.
      memory = try .kept(file, byteCount: SnapshotShard.headerByteCount)
    } catch {
      close(file)
      throw error
    }
    let segment = Segment(file: file, byteCount: byteCount, memory: memory)
    return state.withLock { state in
      state.count += 1
      state.segments[state.count] = segment
      return (state.count, segment)
    }
  }
}
