import Foundation

/// What `docs/run-directory.md` names: the members of a run's files, table by table.
public struct RunDirectoryPage {
  /// The whole page.
  public let text: String

  public init() throws {
    let repository = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    text = try String(
      contentsOf: repository.appendingPathComponent("docs/run-directory.md"), encoding: .utf8)
  }

  /// The names in the first columns of the tables below a heading, up to the next heading of any level, in the
  /// order of the tables.
  ///
  /// - Parameter heading: `## summary.json`.
  public func tables(below heading: String) -> [Set<String>] {
    var tables: [Set<String>] = []
    var isBelow = false
    var isInTable = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("#") { isBelow = line == heading }
      guard isBelow, line.hasPrefix("|") else {
        isInTable = false
        continue
      }
      if !isInTable { tables.append([]) }
      isInTable = true
      // Every second piece stands between backticks.
      let cell = line.split(separator: "|", omittingEmptySubsequences: true)[0]
      let pieces = cell.split(separator: "`", omittingEmptySubsequences: false)
      for index in stride(from: 1, to: pieces.count, by: 2) {
        tables[tables.count - 1].insert(String(pieces[index]))
      }
    }
    return tables
  }

  /// The metrics that the page has no line for, of those that a task measures.
  public func unnamedMetrics(of keys: some Sequence<String>) -> [String] {
    let named = tables(below: "### An evaluation").last ?? []
    return keys.filter { !named.contains($0.replacing(/^top_[0-9]+_/, with: "top_k_")) }
  }
}
