import LockstepSettings

extension CSVTable {
  /// Numbers with up to so many digits are different in float32 where they are different.
  private static let exactDigits = 6
  /// Of longer tables so many rows are looked at, half of them at the beginning, half at the end.
  private static let examinedRows = 1 << 16

  /// Columns whose different numbers become the same when they are read as float32: times in seconds,
  /// numbers that count records.
  ///
  /// Of numbers with many digits that are spread around zero some always meet; a column is named where
  /// its numbers are further from zero than from each other, so that their difference is what is lost,
  /// or where a tenth of them or more is lost.
  ///
  /// - Parameter columns: Of numbers.
  /// - Throws: `SampleDataError.noSuchColumn`.
  public func columnsLosingPrecision(
    among columns: [String]
  ) throws(SampleDataError) -> [String] {
    let half = Self.examinedRows / 2
    let examined = rows.count > 2 * half ? Array(rows.prefix(half) + rows.suffix(half)) : rows
    var found: [String] = []
    for column in columns {
      let place = try index(of: column)
      guard examined.contains(where: { $0.fields[place].utf8.count > Self.exactDigits }) else {
        continue
      }
      if Self.losesPrecision(examined.compactMap { Double(decimal: $0.fields[place]) }) {
        found.append(column)
      }
    }
    return found
  }

  private static func losesPrecision(_ numbers: [Double]) -> Bool {
    let sorted = numbers.sorted()
    guard let smallest = sorted.first, let largest = sorted.last else { return false }
    var (different, lost) = (1, 0)
    for (previous, next) in zip(sorted, sorted.dropFirst()) where previous != next {
      different += 1
      if Float(previous) == Float(next) { lost += 1 }
    }
    let distance = max(abs(smallest), abs(largest))
    return lost > 0 && (10 * lost >= different || largest - smallest < distance / 2)
  }
}
