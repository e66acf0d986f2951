import Foundation
import LockstepFiles

/// All runs that are looked at, and what each page still has to be told.
package actor WatchedRuns {
  private let search: RunSearch
  private let pointsPerCurve: Int
  private var runs: [WatchedRun] = []
  private var sweeps: [WatchedSweep] = []
  private var nextIdentifier = 0
  /// When files were last looked at, and when runs were last looked for.
  private var (looked, searched) = (-Double.infinity, -Double.infinity)

  /// Seconds between two looks at the files.
  static let interval = 0.4
  /// Seconds between two searches for new runs.
  private static let searchInterval = 3.0

  /// - Parameter pointsPerCurve: The most, for a few runs. Default: 1024, more than a screen shows.
  package init(_ search: RunSearch, pointsPerCurve: Int = 1024) {
    self.search = search
    self.pointsPerCurve = pointsPerCurve
  }

  // MARK: - Looking

  /// Looks at all files, unless that was done a moment ago.
  ///
  /// - Parameter now: Seconds since 1970.
  package func look(now: Double = Date().timeIntervalSince1970) {
    guard abs(now - looked) >= Self.interval * 0.9 else { return }
    looked = now
    if abs(now - searched) >= Self.searchInterval {
      searched = now
      find()
    }
    for index in runs.indices { runs[index].advance(now: now) }
    for index in sweeps.indices { sweeps[index].advance() }
  }

  private func find() {
    let found = search.runs()
    let present = Set(found)
    runs.removeAll { !present.contains($0.found) }
    let known = Set(runs.map(\.found))
    for run in found where !known.contains(run) {
      runs.append(WatchedRun(id: nextIdentifier, run))
      nextIdentifier += 1
    }
    let paths = search.sweeps()
    sweeps.removeAll { !paths.contains($0.path) }
    for path in paths where !sweeps.contains(where: { $0.path == path }) {
      sweeps.append(WatchedSweep(path: path))
    }
  }

  // MARK: - Telling

  /// What a page has been told.
  package struct Told: Sendable {
    fileprivate struct Run {
      var generation = -1
      var information = ""
      var parts: [WatchedRun.Part: (bucket: Int, rows: Int)] = [:]
      var samples = 0
    }

    fileprivate var runs: [Int: Run] = [:]
    fileprivate var sweeps: [String: String] = [:]
    fileprivate var hasBegun = false

    package init() {}
  }

  /// The most points of a curve: fewer where there are many runs.
  private var limit: Int { max(128, min(pointsPerCurve, 8 * pointsPerCurve / max(1, runs.count))) }

  /// Messages, each a JSON object on one line, that bring a page up to date.
  package func news(
    since told: Told, now: Double = Date().timeIntervalSince1970
  ) -> (messages: [String], told: Told) {
    look(now: now)
    var told = told
    var messages: [String] = []
    if !told.hasBegun {
      told.hasBegun = true
      messages.append(#"{"now":\#(JSONFragment.number(now))}"#)
    }
    for id in told.runs.keys.sorted() where !runs.contains(where: { $0.id == id }) {
      told.runs[id] = nil
      messages.append(#"{"gone":\#(id)}"#)
    }
    for sweep in sweeps where told.sweeps[sweep.path] != sweep.information {
      told.sweeps[sweep.path] = sweep.information
      messages.append(#"{"sweep":\#(sweep.information)}"#)
    }
    for run in runs {
      var known = told.runs[run.id] ?? Told.Run()
      if let message = news(of: run, since: &known) { messages.append(message) }
      told.runs[run.id] = known
    }
    if messages.count > 1 || !messages.isEmpty && runs.isEmpty {
      messages.append(#"{"complete":\#(runs.count)}"#)
    }
    return (messages, told)
  }

  private func news(of run: WatchedRun, since known: inout Told.Run) -> String? {
    var members: [String] = []
    if known.generation != run.generation {
      known = Told.Run()
      known.generation = run.generation
      members.append(#""restarted":true"#)
    }
    let information = run.information
    if known.information != information {
      known.information = information
      members.append(#""information":\#(information)"#)
    }
    for part in WatchedRun.Part.allCases {
      let rows = run.table(part).count
      let bucket = CurveSection.bucket(
        for: rows, limit: part == .ranks ? min(limit, WatchedRun.rankLimit) : limit)
      let before = known.parts[part]
      guard rows > 0, before?.rows != rows || before?.bucket != bucket else { continue }
      let first = before?.bucket == bucket ? (before?.rows ?? 0) / bucket * bucket : 0
      let section = run.section(part, rows: first..<rows, bucket: bucket)
      known.parts[part] = (bucket, rows)
      members.append("\"\(part.rawValue)\":\(section.json)")
    }
    if known.samples != run.metrics.sampleCount {
      let new = min(run.metrics.sampleCount - known.samples, run.metrics.samples.count)
      known.samples = run.metrics.sampleCount
      let lines = run.metrics.samples.suffix(new).map { String(decoding: $0, as: UTF8.self) }
      members.append("\"samples\":[\(lines.joined(separator: ","))]")
    }
    guard !members.isEmpty else { return nil }
    return "{\"run\":\(run.id),\(members.joined(separator: ","))}"
  }

  /// Part of a run's curves, as fine as the page can draw it.
  ///
  /// - Parameters:
  ///   - id: Of the run.
  ///   - steps: Which of them.
  /// - Returns: One JSON object; nil where there is no such run.
  package func section(ofRun id: Int, steps: ClosedRange<Int>) -> String? {
    guard let run = runs.first(where: { $0.id == id }) else { return nil }
    let members = [WatchedRun.Part.steps, .evaluations].map { part in
      let table = run.table(part)
      // One more to either side, so that a line leaves the picture at its edges.
      let first = max(0, table.row(notBelow: steps.lowerBound) - 1)
      let end = min(table.count, table.row(notBelow: steps.upperBound) + 1)
      let rows = first..<max(first, end)
      let bucket = CurveSection.bucket(for: rows.count, limit: 1024)
      return "\"\(part.rawValue)\":\(run.section(part, rows: rows, bucket: bucket).json)"
    }
    return "{\(members.joined(separator: ","))}"
  }

  /// How many runs there are.
  package var count: Int { runs.count }
}
