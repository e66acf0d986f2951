import Foundation
import LockstepFiles
import LockstepSweeps

/// A sweep that is looked at: how its trials are compared. The trials themselves are runs.
struct WatchedSweep {
  let path: String
  private var stamp: FileStamp?
  /// One JSON object.
  private(set) var information = "{}"

  init(path: String) {
    self.path = path
  }

  private struct Information: Encodable {
    let path: String
    /// What trials are compared by, as `sweep.json` has it.
    let metric: String
    let goal: Goal
    let problem: String?
  }

  mutating func advance() {
    let file = SweepDirectory(path: path).configurationPath
    let now = FileStamp(file)
    guard stamp == nil || stamp != now else { return }
    stamp = now
    let description = RunDescription(path: file)
    let metric =
      description.value("method") == "range-test"
      ? "loss" : description.value("metric") ?? SweepConfiguration().metric
    let information = Information(
      path: path, metric: metric,
      goal: description.value("goal").flatMap { Goal(rawValue: $0) } ?? Goal(ofMetric: metric)
        ?? .min,
      problem: description.problem)
    let data = try? JSONFormat.encoder().encode(information)
    self.information = data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
