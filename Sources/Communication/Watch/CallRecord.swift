import CLockstepHost

/// The last collectives of a rank, for the time when it must be told what it did: a ring that is written
/// without taking memory.
final class CallRecord {
  private struct Entry {
    var call = CollectiveCall(.barrier)
    var step = 0
    var begin: Int64 = 0
    /// 0 while the rank is in it.
    var end: Int64 = 0
  }

  static let capacity = 100

  private let entries = UnsafeMutableBufferPointer<Entry>.allocate(capacity: capacity)
  private var count = 0

  init() { entries.initialize(repeating: Entry()) }

  deinit { entries.deallocate() }

  func enter(_ call: CollectiveCall, step: Int, now: Int64) {
    entries[count % Self.capacity] = Entry(call: call, step: step, begin: now)
    count += 1
  }

  func leave(now: Int64) {
    guard count > 0 else { return }
    entries[(count - 1) % Self.capacity].end = now
  }

  /// One line for each, the latest last: when it began, counted back from now, and how long it took.
  /// Read by another thread while the rank may go on.
  func lines(now: Int64) -> [String] {
    let count = self.count
    return (max(0, count - Self.capacity)..<count).map { index in
      let entry = entries[index % Self.capacity]
      let took = entry.end == 0 ? "not done" : "took \(entry.end - entry.begin) ms"
      return "  \(now - entry.begin) ms ago  step \(entry.step)  \(entry.call)  \(took)"
    }
  }
}
