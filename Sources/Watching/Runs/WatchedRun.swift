import Foundation
import LockstepFiles
import LockstepTraining

/// A run that is looked at: its files, followed while they change.
package struct WatchedRun {
  package let id: Int
  package let found: RunSearch.Found
  private let directory: RunDirectory
  private var follower: MetricsFollower
  private var configurationStamp: FileStamp?
  private var summaryStamp: FileStamp?
  private var description: RunDescription?
  /// The members of `summary.json` as they are; nil where there is none.
  private var summary: String?
  private var summarySteps: Int?
  /// The members of a trial's record: whether it diverged, say; nil where there is none.
  private var record: String?
  /// Why a file can not be read.
  private var problem: String?
  private(set) var state = RunState.waiting

  package var metrics: RunMetrics { follower.metrics }
  package var generation: Int { follower.generation }
  /// When its metrics were last written to, in seconds since 1970; nil where there are none.
  var lastWritten: Double? { follower.lastWritten }
  /// Of the whole run; nil where the configuration does not say it.
  var steps: Int? { description?.steps }
  /// Why a file can not be read; nil where all can.
  var problemText: String? { problem ?? description?.problem }

  package init(id: Int, _ found: RunSearch.Found) {
    self.id = id
    self.found = found
    directory = RunDirectory(path: found.path)
    follower = MetricsFollower(path: directory.metricsPath)
  }

  /// Reads what is new in the run's files.
  ///
  /// - Parameter now: Seconds since 1970.
  package mutating func advance(now: Double) {
    problem = nil
    do throws(FileError) {
      try follower.advance()
    } catch {
      problem = error.description
    }
    let configuration = FileStamp(directory.configurationPath)
    if configuration != configurationStamp || description == nil {
      configurationStamp = configuration
      description = RunDescription(path: directory.configurationPath)
    }
    let summaryNow = FileStamp(directory.summaryPath)
    if summaryNow != summaryStamp {
      summaryStamp = summaryNow
      let object = Self.object(at: directory.summaryPath)
      summary = object.flatMap(Self.text)
      summarySteps = object?["steps"] as? Int
    }
    record = found.sweep == nil ? nil : Self.object(at: found.path + ".json").flatMap(Self.text)
    state = RunState(
      RunState.Signs(
        hasSummary: summary != nil, summarySteps: summarySteps,
        lastStep: metrics.lastStep,
        checkpointStep: (try? directory.checkpoints.steps())?.last,
        isLocked: HeldLocks.contain(found.path + "/.lock"),
        secondsOfSilence: follower.lastWritten.map { now - $0 }, secondsPerStep: secondsPerStep))
  }

  private static func object(at path: String) -> [String: Any]? {
    guard let bytes = try? FileContents.read(path, limit: 1 << 20) else { return nil }
    let content = try? JSONSerialization.jsonObject(with: Data(bytes))
    // A trial's record is the only one of a list.
    return content as? [String: Any] ?? (content as? [[String: Any]])?.first
  }

  /// On one line.
  private static func text(of object: [String: Any]) -> String? {
    (try? JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Over the last steps; nil before the second one.
  var secondsPerStep: Double? {
    guard let seconds = metrics.steps["seconds"], seconds.count > 1 else { return nil }
    let first = max(0, seconds.count - 50)
    let steps = metrics.steps.steps[seconds.count - 1] - metrics.steps.steps[first]
    let time = seconds[seconds.count - 1] - seconds[first]
    return steps > 0 && time.isFinite ? time / Double(steps) : nil
  }

  // MARK: - For the page

  /// What there is to know beside the curves.
  private struct Information: Encodable {
    let name: String
    let path: String
    let sweep: String?
    let state: RunState
    let step: Int
    let steps: Int?
    let secondsPerStep: Double?
    /// Of the last line, in seconds since 1970.
    let lastWritten: Double?
    let settings: [RunDescription.Setting]
    let provenance: [RunDescription.Setting]
    let damagedLines: Int
    let problem: String?
    let rankCount: Int
  }

  /// One JSON object.
  package var information: String {
    let information = Information(
      name: found.name, path: found.path, sweep: found.sweep, state: state,
      step: metrics.lastStep, steps: description?.steps, secondsPerStep: secondsPerStep,
      lastWritten: follower.lastWritten, settings: description?.settings ?? [],
      provenance: description?.provenance ?? [], damagedLines: metrics.damagedLines,
      problem: problem ?? description?.problem, rankCount: metrics.rankCount)
    let encoder = JSONFormat.encoder()
    let text =
      (try? encoder.encode(information)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return text.dropLast() + ",\"summary\":\(summary ?? "null"),\"record\":\(record ?? "null")}"
  }

  /// The tables of a run, by the names that the page has for them.
  package enum Part: String, CaseIterable, Sendable {
    case steps, evaluations, ranks
  }

  package func table(_ part: Part) -> MetricsTable {
    switch part {
    case .steps: metrics.steps
    case .evaluations: metrics.evaluations
    case .ranks: metrics.ranks
    }
  }

  /// The most points of a curve of ranks: there are many, and they are looked at as a whole.
  static let rankLimit = 128

  /// Part of a table as a page draws it; see `CurveSection`.
  package func section(_ part: Part, rows: Range<Int>, bucket: Int) -> CurveSection {
    CurveSection(of: table(part), rows: rows, bucket: bucket, clock: metrics.steps)
  }
}

/// What tells that a file has changed.
struct FileStamp: Equatable {
  private let inode: UInt64
  private let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// Nil where there is no file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}
