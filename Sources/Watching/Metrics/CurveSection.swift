import Foundation

/// Rows of a table as a page draws them: so many rows to a bucket, of which the mean, the lowest and
/// the highest value of each column stay.
///
/// Buckets have a power of two of rows and begin at its multiples, so that new rows change the last
/// bucket only.
package struct CurveSection: Equatable {
  package struct Curve: Equatable {
    package let name: String
    /// Over the finite values of each bucket; not a number where there is none.
    package var mean: [Double] = []
    package var low: [Double] = []
    package var high: [Double] = []
    /// The last finite value of all rows; not a number where there is none.
    package var last = Double.nan
  }

  /// Rows of a bucket; the last one may have fewer.
  package let bucket: Int
  /// The first row, a multiple of `bucket`.
  package let firstRow: Int
  /// Behind the last row.
  package let endRow: Int
  /// Rows of the whole table.
  package let rowCount: Int
  /// The step of the last row of each bucket.
  package private(set) var steps: [Int] = []
  /// Of the same row; not a number where nobody knows.
  package private(set) var tokens: [Double] = []
  package private(set) var seconds: [Double] = []
  package private(set) var curves: [Curve] = []

  /// The smallest bucket with which so many rows are at most `limit` points.
  package static func bucket(for rows: Int, limit: Int) -> Int {
    var bucket = 1
    while rows > limit * bucket { bucket *= 2 }
    return bucket
  }

  /// - Parameters:
  ///   - table: The rows.
  ///   - rows: Which of them; whole buckets are taken.
  ///   - bucket: A power of two.
  ///   - clock: The table that knows tokens and seconds by step.
  package init(
    of table: MetricsTable, rows: Range<Int>, bucket: Int, clock: MetricsTable
  ) {
    self.bucket = bucket
    rowCount = table.count
    firstRow = rows.lowerBound / bucket * bucket
    endRow = min(table.count, (rows.upperBound + bucket - 1) / bucket * bucket)
    let (first, end) = (firstRow, endRow)
    let bounds = stride(from: first, to: end, by: bucket).map { ($0, min($0 + bucket, end)) }
    steps = bounds.map { table.steps[$0.1 - 1] }
    func known(_ name: String) -> [Double] {
      guard let values = clock[name] else { return steps.map { _ in .nan } }
      return steps.map { step in
        let row = clock.row(notBelow: step + 1) - 1
        return row >= 0 ? values[row] : .nan
      }
    }
    (tokens, seconds) = (known("tokens"), known("seconds"))
    curves = table.columns.filter { $0.name != "tokens" && $0.name != "seconds" }.map { column in
      var curve = Curve(name: column.name)
      column.values.withUnsafeBufferPointer { values in
        for (start, end) in bounds {
          var (sum, count) = (0.0, 0)
          var (low, high) = (Double.infinity, -Double.infinity)
          for row in start..<end where values[row].isFinite {
            let value = values[row]
            sum += value
            count += 1
            if value < low { low = value }
            if value > high { high = value }
            curve.last = value
          }
          curve.mean.append(count > 0 ? sum / Double(count) : .nan)
          curve.low.append(count > 0 ? low : .nan)
          curve.high.append(count > 0 ? high : .nan)
        }
      }
      return curve
    }
  }

  // MARK: - JSON

  /// The section as one JSON object. Values have the seven digits that a 32-bit number holds, which
  /// no curve shows.
  package var json: String {
    var text = #"{"bucket":\#(bucket),"firstRow":\#(firstRow),"endRow":\#(endRow),"#
    text += #""rowCount":\#(rowCount),"steps":["#
    text += steps.map(String.init).joined(separator: ",")
    text +=
      "],\"tokens\":" + Self.list(tokens) + ",\"seconds\":" + Self.list(seconds, isShort: true)
    text += ",\"curves\":{"
    text += curves.map { curve in
      let name = JSONFragment.quoted(curve.name)
      guard bucket > 1 else { return "\(name):{\"mean\":\(Self.list(curve.mean, isShort: true))}" }
      return "\(name):{\"mean\":\(Self.list(curve.mean, isShort: true)),"
        + "\"low\":\(Self.list(curve.low, isShort: true)),"
        + "\"high\":\(Self.list(curve.high, isShort: true))}"
    }.joined(separator: ",")
    text += "},\"last\":{"
    text += curves.filter(\.last.isFinite).map {
      JSONFragment.quoted($0.name) + ":" + JSONFragment.number($0.last, isShort: true)
    }.joined(separator: ",")
    return text + "}}"
  }

  private static func list(_ values: [Double], isShort: Bool = false) -> String {
    var text = "["
    for (index, value) in values.enumerated() {
      if index > 0 { text += "," }
      text += JSONFragment.number(value, isShort: isShort)
    }
    return text + "]"
  }
}
