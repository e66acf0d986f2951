import Foundation
import LockstepFiles
import LockstepSettings

/// Reads `metrics.jsonl`, as `JSONLinesReporter` writes it.
package enum MetricsFile {
  /// The lines, one JSON object each, with all bits of their numbers; none where there is no file.
  ///
  /// - Throws: As `lines`.
  package static func objects(
    of path: String
  ) throws(MetricsError) -> [[(key: String, value: JSONValue)]] {
    // Not by Foundation, which takes a number of many digits for a decimal and rounds it twice.
    try lines(of: path).compactMap { (try? JSONReader.value(of: Array($0)))?.members }
  }

  /// The lines, one JSON object each; none where there is no file.
  ///
  /// What a kill or a power failure left behind the last whole line is no line: the run that goes on
  /// removes it. It does so in place, also while somebody reads: so the file is not mapped.
  ///
  /// - Throws: `MetricsError`, also where a line is damaged that others follow.
  package static func lines(of path: String) throws(MetricsError) -> [Data] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileContents.read(path, limit: .max)
    } catch {
      guard error.code == ENOENT else { throw .unreadable(error) }
      return []
    }
    let newline = UInt8(ascii: "\n")
    var lines: [Data] = []
    var damaged: Int?
    // The last piece is empty, or a line without its end.
    for (index, line) in bytes.split(separator: newline, omittingEmptySubsequences: false)
      .dropLast().enumerated()
    {
      let data = Data(line)
      guard isObject(data) else {
        damaged = damaged ?? index + 1
        continue
      }
      if let damaged { throw .damaged(path: path, line: damaged) }
      lines.append(data)
    }
    return lines
  }

  private static func isObject(_ line: Data) -> Bool {
    guard let value = try? JSONSerialization.jsonObject(with: line) else { return false }
    return value is [String: Any]
  }
}

/// Why a run's `metrics.jsonl` can not be read.
public enum MetricsError: UserInputError, Equatable {
  case unreadable(FileError)
  /// A line, from 1, is no JSON object, and others follow.
  case damaged(path: String, line: Int)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .damaged(let path, let line):
      "\(path): line \(line) is damaged: remove it, or put the file back"
    }
  }
}
