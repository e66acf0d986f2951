import Foundation
import LockstepReporting

extension ComparedRuns: CustomStringConvertible {
  /// For people: what differs, section by section.
  public var description: String {
    var lines = ["A  \(runs[0])", "B  \(runs[1])", ""]
    lines += section(
      "configuration", configuration, none: "the same",
      note: { $0.decidesResult ? nil : "changes no bit of the result" })
    lines +=
      ["data"]
      + (data.isEmpty ? ["  the same, as far as both recorded it"] : data.map { "  " + $0 })
    lines += section("program and machine", versions, none: "the same", note: { _ in nil })
    lines += [
      "steps",
      "  " + sentence(lossesPart, of: "losses and gradient norms of \(commonSteps) common steps"),
    ]
    lines.append(
      "  "
        + (commonEvaluations == 0
          ? "no evaluation of both after the same step"
          : sentence(
            evaluationsPart,
            of:
              "\(commonEvaluations) evaluation\(commonEvaluations == 1 ? "" : "s") after common steps"
          )))
    lines +=
      ["outcome"]
      + Self.table(
        outcomes.map {
          [$0.name.replacing("_", with: " "), Self.number($0.first), Self.number($0.second)]
        })
    lines.append("parameters_sha256")
    switch (hashes[0], hashes[1]) {
    case (let first?, let second?) where first == second: lines.append("  the same: \(first)")
    case (let first, let second):
      lines.append("  A  \(first ?? "none: the run has not ended")")
      lines.append("  B  \(second ?? "none: the run has not ended")")
    }
    return lines.joined(separator: "\n")
  }

  private func section(
    _ title: String, _ differences: [Difference], none: String, note: (Difference) -> String?
  ) -> [String] {
    guard !differences.isEmpty else { return [title, "  " + none] }
    return [title]
      + Self.table(
        differences.map {
          [$0.key + (note($0).map { " (\($0))" } ?? ""), $0.first ?? "-", $0.second ?? "-"]
        })
  }

  private func sentence(_ parting: Parting?, of what: String) -> String {
    guard let parting else { return "\(what): the same, bit for bit" }
    return
      "\(what): part at step \(parting.step), \(parting.column) \(parting.first) and \(parting.second)"
  }

  private static func number(_ value: Double?) -> String {
    guard let value else { return "-" }
    if let whole = Int(exactly: value) { return Quantity.count(whole) }
    return String(format: "%.6g", value)
  }

  /// What both runs have, below a heading.
  private static func table(_ rows: [[String]]) -> [String] {
    TextTable(["", "A", "B"], rows: rows, alignment: .allLeft, gap: "  ").lines.map { "  " + $0 }
  }
}
