import LockstepReporting

/// The trials as a table, the best first; those that are not ranked come last.
struct SweepTable {
  let header: [String]
  let rows: [(trial: Int, cells: [String])]

  init(_ report: SweepReport) {
    let hasDeviation = report.trials.contains { $0.deviation != nil }
    header =
      ["", "trial"] + report.keys.map(Self.shortened(among: report.keys)) + [
        report.metric, "steps", "seconds", "state",
      ]
    let unranked = report.trials.map(\.trial).filter { !report.ranking.contains($0) }
    rows = (report.ranking + unranked).enumerated().map { place, number in
      let trial = report.trials[number - 1]
      var metric = trial.metric.map { Self.figure($0) } ?? ""
      if hasDeviation, let deviation = trial.deviation { metric += " ± " + Self.figure(deviation) }
      let seconds = trial.runs.reduce(0) { $0 + $1.seconds }
      let cells =
        [place < report.ranking.count ? "\(place + 1)" : "", "\(number)"]
        + report.keys.map { trial.parameters[$0]?.text ?? "" }
        + [
          metric, trial.rungs.last.map { Quantity.count($0.steps) } ?? "",
          Quantity.decimal(seconds, seconds < 10 ? 2 : 0), trial.state.rawValue,
        ]
      return (number, cells)
    }
  }

  /// Four digits after the point, or as a power of ten where that shows nothing.
  private static func figure(_ value: Double) -> String {
    value != 0 && abs(value) < 0.01 ? Quantity.rate(value) : Quantity.decimal(value, 4)
  }

  /// The last part of a key's path, where no other key has the same.
  static func shortened(among keys: [String]) -> (String) -> String {
    func last(_ key: String) -> String { key.split(separator: ".").last.map(String.init) ?? key }
    return { key in keys.count { last($0) == last(key) } == 1 ? last(key) : key }
  }

  /// For a terminal: columns aligned, numbers to the right.
  var text: String {
    let lines = [header] + rows.map(\.cells)
    let widths = header.indices.map { column in lines.map { $0[column].columns }.max() ?? 0 }
    return lines.map { cells in
      let padded = cells.indices.map { column in
        column == cells.count - 1 ? cells[column] : cells[column].leftPadded(to: widths[column])
      }
      return padded.joined(separator: "   ") + "\n"
    }.joined()
  }
}
