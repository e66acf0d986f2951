import Foundation
import LockstepFiles
import LockstepSettings

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
    try AtomicFile.write(object.page, to: path)
  }

  /// Reads a run's summary. A number that is no other member is a metric.
  ///
  /// - Throws: `SummaryError`.
  public static func load(from path: String) throws(SummaryError) -> RunSummary {
    let data: Data
    do throws(FileError) {
      data = try MappedFile(path: path).withBytes { Data($0) }
    } catch {
      throw .unreadable(error)
    }
    var summary: RunSummary
    var members: [(key: String, value: JSONValue)] = []
    do {
      summary = try JSONFormat.decoder.decode(RunSummary.self, from: data)
      // Not by Foundation, which takes a number of many digits for a decimal and rounds it twice.
      members = try JSONReader.value(of: Array(data)).members ?? []
    } catch let error as DecodingError {
      let (key, problem) = error.placeAndProblem
      throw .damaged(path: path, problem: (key.map { "key '\($0)': " } ?? "") + problem)
    } catch {
      throw .damaged(path: path, problem: "bad JSON: \(error)")
    }
    summary.metrics = members.compactMap { key, value in
      guard CodingKeys(rawValue: key) == nil else { return nil }
      return value.number.map { MetricValue(key, $0) }
    }.sorted { $0.key < $1.key }
    return summary
  }
}

/// Why a run's `summary.json` can not be read.
public enum SummaryError: UserInputError, Equatable {
  case unreadable(FileError)
  /// It is no summary; the problem names the key where it is one's.
  case damaged(path: String, problem: String)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .damaged(let path, let problem):
      "\(path): \(problem) (remove it and resume the run, which writes it anew)"
    }
  }
}
