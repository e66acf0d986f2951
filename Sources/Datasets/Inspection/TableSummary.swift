import Foundation
import LockstepFiles
import LockstepSettings

/// What `lockstep inspect` tells of a table (CSV).
public struct TableSummary: Sendable, Encodable, CustomStringConvertible {
  /// One column.
  public struct Column: Sendable, Encodable, Equatable {
    public let name: String
    /// Rows with nothing in this column.
    public let empty: Int
    /// Of a column of numbers: the least, the mean and the largest.
    public let minimum: Double?
    public let mean: Double?
    public let maximum: Double?
    /// How many different contents there are; nil: more than `differentLimit`.
    public let different: Int?
    /// Some contents, in the order in which they come.
    public let examples: [String]
  }

  /// Different contents of a column that are counted.
  private static let differentLimit = 1000
  private static let exampleCount = 4

  public let path: String
  public let rows: Int
  public let columns: [Column]

  /// - Parameters:
  ///   - bytes: The file, uncompressed.
  ///   - path: Named in errors.
  /// - Throws: `SampleDataError` where it is no table.
  public init(_ bytes: [UInt8], path: String) throws(SampleDataError) {
    let table = try CSVTable(bytes, path: path)
    self.path = path
    rows = table.rows.count
    columns = table.columns.indices.map { Self.column($0, of: table) }
  }

  private static func column(_ place: Int, of table: CSVTable) -> Column {
    let filled = table.rows.lazy.map { $0.fields[place] }.filter { !$0.allSatisfy(\.isWhitespace) }
    var (found, order): (Set<String>, [String]) = ([], [])
    var (isNumeric, sum, count) = (true, 0.0, 0)
    var (least, largest) = (Double.infinity, -Double.infinity)
    for field in filled {
      count += 1
      if found.count <= differentLimit, found.insert(field).inserted, order.count < exampleCount {
        order.append(field)
      }
      guard isNumeric, let value = Double(decimal: field) else {
        isNumeric = false
        continue
      }
      sum += value
      (least, largest) = (min(least, value), max(largest, value))
    }
    let isOfNumbers = isNumeric && count > 0
    return Column(
      name: table.columns[place], empty: table.rows.count - count,
      minimum: isOfNumbers ? least : nil, mean: isOfNumbers ? sum / Double(count) : nil,
      maximum: isOfNumbers ? largest : nil,
      different: found.count > differentLimit ? nil : found.count, examples: order)
  }

  public var description: String {
    let width = columns.map(\.name.count).max() ?? 0
    let lines = columns.map { column in
      "  " + column.name + String(repeating: " ", count: width - column.name.count)
        + "  \(column.words)"
    }
    return "\(path): table, \(rows) row\(rows == 1 ? "" : "s") of \(columns.count) "
      + "column\(columns.count == 1 ? "" : "s")\n" + lines.joined(separator: "\n")
  }
}

extension TableSummary.Column {
  fileprivate var words: String {
    let some = different.map { "\($0) different" } ?? "more than 1000 different"
    let missing = empty > 0 ? ", \(empty) empty" : ""
    if let minimum, let mean, let maximum {
      func short(_ value: Double) -> String { String(format: "%.6g", value) }
      return
        "numbers from \(short(minimum)) to \(short(maximum)), mean \(short(mean)), \(some)\(missing)"
    }
    guard !examples.isEmpty else { return "empty" }
    let shown = examples.map { $0.count > 24 ? $0.prefix(23) + "…" : $0 }.joined(separator: ", ")
    return "texts, \(some)\(missing): \(shown)" + (different ?? .max > examples.count ? ", …" : "")
  }
}
