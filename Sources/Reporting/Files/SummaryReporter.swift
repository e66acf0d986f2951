import Foundation

/// Writes `summary.json` when a run has finished.
public final class SummaryReporter: RunObserver {
  public let path: String

  public init(path: String) {
    self.path = path
  }

  /// - Throws: `ReportingError`.
  public func receive(_ event: RunEvent) throws {
    guard case .finished(let summary) = event else { return }
    try summary.write(to: path)
  }
}

extension RunSummary {
  /// Writes the summary under a temporary name and renames it: the file is whole or the old one.
  ///
  /// - Throws: `ReportingError`.
  public func write(to path: String) throws(ReportingError) {
    var object = JSONObject()
    add(to: &object)
    let temporaryPath = path + ".writing"
    guard let file = fopen(temporaryPath, "w") else { throw .system("open", temporaryPath) }
    let isWritten =
      fputs(object.page, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0
    let isClosed = fclose(file) == 0
    guard isWritten, isClosed, rename(temporaryPath, path) == 0 else {
      let error = ReportingError.system("write", path)
      unlink(temporaryPath)
      throw error
    }
  }

  /// Reads a run's summary. A number that is no other member is a metric.
  public static func load(from path: String) throws -> RunSummary {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var summary = try JSONDecoder().decode(RunSummary.self, from: data)
    let members = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    summary.metrics = members.compactMap { key, value in
      guard CodingKeys(rawValue: key) == nil, let value = value as? Double else { return nil }
      return MetricValue(key, value)
    }.sorted { $0.key < $1.key }
    return summary
  }
}
