import Foundation
import LockstepFiles
import LockstepReporting

/// Rows and columns of a run's history, for people and for programs.
public struct HistoryTable: Sendable {
  private let rows: [RunHistory.Row]
  private let columns: [String]
  /// Rows that were left out, so that people can read the others.
  private let interval: Int?

  /// - Parameters:
  ///   - history: What was recorded.
  ///   - columns: Their names, in the order wanted; nil: all.
  ///   - interval: Takes steps that are multiples of it, those with an evaluation, and the last; nil: all.
  /// - Throws: `HistoryError.noColumn`.
  public init(
    _ history: RunHistory, columns: [String]? = nil, every interval: Int? = nil
  ) throws(HistoryError) {
    for name in columns ?? [] where name != "step" && !history.columns.contains(name) {
      throw .noColumn(name, columns: history.columns)
    }
    self.columns = (columns ?? history.columns).filter { $0 != "step" }
    self.interval = interval
    let last = history.rows.last?.step
    rows = history.rows.filter { row in
      guard let interval else { return true }
      return row.step.isMultiple(of: interval) || row.isEvaluated || row.step == last
    }
  }

  /// The interval with which a history has about so many rows: 1, 2 or 5 times a power of ten.
  public static func interval(for history: RunHistory, rows: Int) -> Int {
    let count = history.rows.count
    var scale = 1
    while true {
      for factor in [1, 2, 5] where count <= rows * factor * scale { return factor * scale }
      scale *= 10
    }
  }

  // MARK: - For programs

  /// Comma-separated values: a header, then a line for each row, with all bits of the numbers.
  public func csv(_ write: (String) throws -> Void) rethrows {
    try write((["step"] + columns).joined(separator: ",") + "\n")
    for row in rows {
      let fields = columns.map { row.values[$0].map(Self.exact) ?? "" }
      try write((["\(row.step)"] + fields).joined(separator: ",") + "\n")
    }
  }

  /// A JSON object for each row, on a line of its own, with the members that it has.
  public func jsonLines(_ write: (String) throws -> Void) rethrows {
    for row in rows {
      let members = columns.compactMap { name in
        row.values[name].map { "\"\(name)\":\(Self.json($0))" }
      }
      try write("{" + (["\"step\":\(row.step)"] + members).joined(separator: ",") + "}\n")
    }
  }

  private static func exact(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  private static func json(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? JSONFormat.text(of: value)
  }

  // MARK: - For people

  /// Columns that are left out first where there is no room.
  private static let leastImportant = [
    "evaluation_seconds", "validation_tokens", "tokens_per_second", "seconds", "tokens",
    "learning_rate", "gradient_norm",
  ]

  /// A table that fits so many characters.
  ///
  /// - Parameter width: Columns are left out, the least important first, until a line is no longer.
  public func text(width: Int) -> String {
    var shown = columns
    var lines = table(shown)
    var omitted: [String] = []
    while lines[0].columns > width, shown.count > 1 {
      let least = Self.leastImportant.first(where: shown.contains) ?? shown[shown.count - 1]
      omitted.append(least)
      shown.removeAll { $0 == least }
      lines = table(shown)
    }
    if !omitted.isEmpty {
      lines.append("not shown, for want of room: \(omitted.reversed().joined(separator: ", "))")
    }
    if let interval, interval > 1 {
      lines.append("every \(interval) steps, and those with an evaluation; --every 1 shows all")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func table(_ names: [String]) -> [String] {
    let cells = rows.map { row in
      ["\(row.step)"] + names.map { name in row.values[name].map { Self.short($0, name) } ?? "" }
    }
    return TextTable(
      ["step"] + names.map { $0.replacing("_", with: " ") }, rows: cells, alignment: .allRight,
      gap: "  "
    ).lines
  }

  private static func short(_ value: Double, _ name: String) -> String {
    if name.hasSuffix("accuracy") { return Quantity.decimal(100 * value, 2) + " %" }
    if name == "learning_rate" { return String(format: "%.3g", value) }
    if name.hasSuffix("seconds") { return String(format: "%.1f", value) }
    if name.hasSuffix("per_second") { return Quantity.rounded(value) }
    if let whole = Int(exactly: value), name.hasSuffix("tokens") { return Quantity.count(whole) }
    return abs(value) < 1e5 && abs(value) >= 1e-3 || value == 0
      ? String(format: "%.4f", value) : String(format: "%.4g", value)
  }
}
