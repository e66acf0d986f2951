import Foundation
import LockstepFiles
import LockstepReporting

/// Runs as one page that needs no server and no network: to keep, or to mail.
package struct RunReport {
  private let search: RunSearch
  private let paths: [String]

  /// - Parameter paths: Runs, sweeps, or directories that contain some.
  package init(paths: [String]) {
    self.paths = paths
    search = RunSearch(paths: paths)
  }

  /// Writes the page, whole or not at all.
  ///
  /// - Parameters:
  ///   - output: The file to write; one that is there is replaced.
  ///   - now: Seconds since 1970.
  /// - Returns: How many runs it shows, and its size in bytes.
  /// - Throws: `WatchingError`.
  package func write(
    to output: String, now: Double = Date().timeIntervalSince1970
  ) async throws -> (runs: Int, bytes: Int) {
    try search.requireRuns()
    let runs = WatchedRuns(search, pointsPerCurve: 2048)
    let (messages, _) = await runs.news(since: .init(), now: now)
    let count = await runs.count
    guard count > 0 else { throw WatchingError.nothingToReport(path: paths.first ?? "") }
    let title = count == 1 ? "Lockstep: a run" : "Lockstep: \(count) runs"
    let bytes = WatchPage.report(messages, title: title, written: now).bytes
    do {
      try AtomicFile.write(bytes, to: output)
    } catch {
      throw WatchingError.output(path: output, error)
    }
    return (count, bytes.count)
  }
}
