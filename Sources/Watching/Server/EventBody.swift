import FlyingFox
import FlyingSocks
import Foundation

/// A response that goes on while somebody listens: what there is to tell, as server-sent events.
struct EventBody: AsyncBufferedSequence {
  typealias Element = UInt8

  let runs: WatchedRuns

  func makeAsyncIterator() -> Iterator { Iterator(runs: runs) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    let runs: WatchedRuns
    private var told = WatchedRuns.Told()
    /// Seconds since 1970.
    private var lastSent = Date().timeIntervalSince1970

    /// Something is sent at least as often, in seconds: only so does the server notice that the
    /// page was closed.
    private static let heartbeat = 10.0

    init(runs: WatchedRuns) {
      self.runs = runs
    }

    /// FlyingFox asks for buffers only.
    mutating func next() async throws -> UInt8? { nil }

    mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
      while true {
        try Task.checkCancellation()
        let (messages, told) = await runs.news(since: told)
        self.told = told
        let now = Date().timeIntervalSince1970
        if !messages.isEmpty {
          lastSent = now
          return messages.flatMap { Array("data: \($0)\n\n".utf8) }
        }
        if abs(now - lastSent) >= Self.heartbeat {
          lastSent = now
          return Array(": nothing new\n\n".utf8)
        }
        try await Task.sleep(for: .seconds(WatchedRuns.interval))
      }
    }
  }
}
