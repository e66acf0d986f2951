import Foundation
import LockstepFiles

/// Writes `summary.json` when a run has finished.
public final class SummaryReporter: RunObserver {
  public let path: String

  public init(path: String) {
    self.path = path
  }

  /// - Throws: `FileError`.
  public func receive(_ event: RunEvent) throws {
    guard case .finished(let summary) = event else { return }
    try summary.write(to: path)
  }
}

extension RunSummary {
  /// Writes the summary: whole, or not at all.
  public func write(to path: String) throws(FileError) {
    var object = JSONObject()
    add(to: &object)
    try AtomicFile.write(Array(object.page.utf8), to: path)
  }

  /// Reads a run's summary. A number that is no other member is a metric.
  public static func load(from path: String) throws -> RunSummary {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var summary = try JSONFormat.decoder.decode(RunSummary.self, from: data)
    let members = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    summary.metrics = members.compactMap { key, value in
      guard CodingKeys(rawValue: key) == nil else { return nil }
      let number = value as? Double ?? (value as? String).flatMap(JSONFormat.number)
      return number.map { MetricValue(key, $0) }
    }.sorted { $0.key < $1.key }
    return summary
  }
}
