import Foundation

/// Rows of numbers by step: what `metrics.jsonl` says of steps, of evaluations, or of ranks.
package struct MetricsTable {
  /// One number of each row.
  struct Column {
    let name: String
    let key: [UInt8]
    /// Whose value it is; nil: the line's own.
    let rank: Int?
    /// As many as there are rows; not a number where a row has no such member.
    var values: [Double]
  }

  /// In the order of the file: they never fall.
  package private(set) var steps: [Int] = []
  private(set) var columns: [Column] = []
  /// The column that the next member probably belongs to: lines of a kind have the same members in
  /// the same order.
  private var next = 0

  package init() {}

  package var count: Int { steps.count }

  package var names: [String] { columns.map(\.name) }

  /// The values of a column; nil where there is none of the name.
  package subscript(name: String) -> [Double]? { columns.first { $0.name == name }?.values }

  /// Begins a row.
  mutating func begin(step: Int) {
    steps.append(step)
    next = 0
  }

  /// Adds a member to the row that was begun.
  ///
  /// - Parameter rank: Whose; nil: the line's own. The column's name has it in front.
  mutating func add(_ key: UnsafeBufferPointer<UInt8>, _ value: Double, rank: Int? = nil) {
    func isColumn(_ column: Column) -> Bool {
      column.rank == rank && Self.equals(column.key, key)
    }
    if next < columns.count, isColumn(columns[next]) {
      set(next, value)
      next += 1
    } else if let place = columns.firstIndex(where: isColumn) {
      set(place, value)
      next = place + 1
    } else {
      let name = (rank.map { "\($0)." } ?? "") + String(decoding: key, as: UTF8.self)
      columns.append(
        Column(
          name: name, key: Array(key), rank: rank,
          values: Array(repeating: .nan, count: steps.count - 1) + [value]))
      next = columns.count
    }
  }

  mutating func add(_ name: String, _ value: Double) {
    var name = name
    name.withUTF8 { add($0, value) }
  }

  /// A key that a line has twice counts once, as its last value.
  private mutating func set(_ place: Int, _ value: Double) {
    if columns[place].values.count < steps.count {
      columns[place].values.append(value)
    } else {
      columns[place].values[steps.count - 1] = value
    }
  }

  /// Ends the row: columns that it says nothing of get a place.
  mutating func end() {
    for place in columns.indices where columns[place].values.count < steps.count {
      columns[place].values.append(.nan)
    }
  }

  private static func equals(_ key: [UInt8], _ other: UnsafeBufferPointer<UInt8>) -> Bool {
    guard key.count == other.count, let theirs = other.baseAddress else {
      return key.isEmpty && other.isEmpty
    }
    return memcmp(key, theirs, key.count) == 0
  }

  /// The first row whose step is not below the given one.
  package func row(notBelow step: Int) -> Int {
    var (low, high) = (0, steps.count)
    while low < high {
      let middle = (low + high) / 2
      if steps[middle] < step { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
