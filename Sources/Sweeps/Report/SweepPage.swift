import Foundation
import LockstepFiles
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// `sweep.html`: the trials' losses or a range test's curve, the trials as parallel coordinates, and
/// the table.
struct SweepPage {
  private let report: SweepReport
  private let plan: SweepPlan
  private let directory: SweepDirectory

  init(_ report: SweepReport, plan: SweepPlan, directory: SweepDirectory) {
    (self.report, self.plan, self.directory) = (report, plan, directory)
  }

  func bytes() throws -> [UInt8] {
    let name = URL(fileURLWithPath: directory.path).lastPathComponent
    let sections = [curves, parallelCoordinates, table].compactMap(\.self)
    let (style, script) = (
      String(decoding: PackageResources.sweep_css, as: UTF8.self),
      String(decoding: PackageResources.sweep_js, as: UTF8.self)
    )
    return HTMLPage(
      title: "Sweep \(name)", style: HTMLPage.chartStyle + style,
      body: """
        <h1>Sweep \(HTMLPage.escaped(name))</h1>
        \(facts)
        \(sections.joined(separator: "\n"))
        """,
      data: try data(), script: HTMLPage.chartScript + script
    ).bytes
  }

  /// What the script finds as `data`.
  private struct Content: Encodable {
    let curves: [TrialCurve]
    let report: SweepReport
    /// The learning rate that a range test suggests.
    let suggestion: Double?
  }

  private func data() throws -> Data {
    let curves = try report.trials.map { trial in
      try TrialCurve(
        trial: trial.trial,
        of: trial.runs.map {
          try LossHistory(path: "\(directory.path)/\($0.directory)/metrics.jsonl")
        }, points: max(20, min(240, 60_000 / max(1, report.trials.count))))
    }
    let encoder = JSONFormat.encoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try encoder.encode(
      Content(
        curves: curves, report: report, suggestion: report.rangeTest?.suggestion))
  }

  private func card(_ heading: String, _ remark: String, _ content: String) -> String {
    """
    <h2>\(HTMLPage.escaped(heading))</h2>
    <p class="muted">\(HTMLPage.escaped(remark))</p>
    <div class="card scroll">\(content)</div>
    """
  }

  // MARK: - Facts

  private var facts: String {
    let counts = Dictionary(grouping: report.trials, by: \.state.rawValue).mapValues(\.count)
    let states = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    var facts = [
      ("search", "\(report.method), from \(plan.configuration.base)"),
      ("trials", states.joined(separator: ", ")),
    ]
    if let curve = report.rangeTest {
      let rates = [
        ("suggestion", curve.suggestion), ("steepest", curve.steepest), ("lowest", curve.lowest),
      ]
      facts += rates.compactMap { name, rate in
        rate.map { (name, "learning rate \(PlotAxis.label($0))") }
      }
    } else {
      facts.append(("metric", "\(report.metric), \(better)"))
      if let best = report.best { facts.append(("best", describe(report.trials[best - 1]))) }
    }
    if report.state == .stopped { facts.append(("stopped", "lockstep sweep --resume goes on")) }
    let rows = facts.map {
      "<dt>\(HTMLPage.escaped($0))</dt><dd>\(HTMLPage.escaped($1))</dd>"
    }
    return "<dl class=\"facts\">\n\(rows.joined(separator: "\n"))\n</dl>"
  }

  private var better: String { "the \(report.goal == .min ? "lower" : "higher") the better" }

  /// "trial 7: optimizer.learning_rate 0.01, accuracy 85.14 %".
  private func describe(_ trial: SweepReport.Trial) -> String {
    let values = report.keys.map { "\($0) \(trial.parameters[$0]?.text ?? "")" }
    let metric = trial.metric.map { [MetricValue(report.metric, $0).description] } ?? []
    return "trial \(trial.trial): " + (values + metric).joined(separator: ", ")
  }

  /// Trials from the worst to the best, so that the best are drawn on top.
  private var drawn: [SweepReport.Trial] {
    let ranked = Set(report.ranking)
    let unranked = report.trials.filter { !ranked.contains($0.trial) }
    return unranked + report.ranking.reversed().map { report.trials[$0 - 1] }
  }

  /// The attributes by which style and script know a trial's lines; `--rank` goes from 0, the best,
  /// to 1.
  private func attributes(_ trial: SweepReport.Trial) -> String {
    let place = report.ranking.firstIndex(of: trial.trial)
    let rank = place.map { Double($0) / Double(max(1, report.ranking.count - 1)) } ?? 1
    let kind = trial.trial == report.best ? " best" : place == nil ? " lost" : ""
    return
      #"data-trial="\#(trial.trial)" class="trial\#(kind)" style="--rank: \#(PlotAxis.label(rank))""#
  }

  // MARK: - Plots

  private var parallelCoordinates: String? {
    guard !report.keys.isEmpty else { return nil }
    let parameters = plan.configuration.parameters.parameters
    let axes = parameters.map { ParallelPlot.Axis($0.key, axisValues(of: $0)) }
    let metric = ParallelPlot.Axis(
      report.metric, .numbers(.linear, isFlipped: report.goal == .min))
    let lines = drawn.map { trial in
      let values = parameters.enumerated().map { column, parameter -> ParallelPlot.Value? in
        guard let text = trial.parameters[parameter.key]?.text else { return nil }
        if case .names = axes[column].values { return .name(text) }
        return Double(decimal: text).map { .number($0) }
      }
      return ParallelPlot.Line(
        attributes: attributes(trial), values: values + [trial.metric.map { .number($0) }])
    }
    return card(
      "Values and what came of them",
      "One line a trial; on the last axis better is up. Point at a line to see its trial everywhere; "
        + "drag along an axis to keep the trials that cross it there, click to let go.",
      ParallelPlot(
        title: "Parallel coordinates of \(report.trials.count) trials", axes: axes + [metric],
        lines: lines
      ).svg() + "<p id=\"told\" class=\"muted\">&nbsp;</p>")
  }

  /// Where the script puts the charts.
  private var curves: String {
    let (heading, remark) =
      report.rangeTest == nil
      ? (
        "Losses",
        "Means of neighbouring steps, and of the folds where a trial has several; the band goes from the "
          + "lowest to the highest. Point at a curve to see its trial everywhere; drag to zoom."
      )
      : (
        "Range test",
        "The loss of each step, and smoothed, while the learning rate grows. Below the steepest fall "
          + "training is slow; above the lowest loss it diverges."
      )
    return """
      <h2>\(heading)</h2>
      <p class="muted">\(remark)</p>
      <div class="charts" id="charts"></div>
      """
  }

  private func axisValues(of parameter: SweptParameters.Parameter) -> ParallelPlot.Values {
    let domain = parameter.domain
    if domain.values.isEmpty {
      return .numbers(domain.scale == .log ? .log : .linear)
    }
    let numbers = domain.values.compactMap { $0.scalar.flatMap { Double(decimal: $0) } }
    guard numbers.count == domain.values.count, Set(numbers).count > 1 else {
      return .names(domain.values.map(YAMLWriter.inline))
    }
    // Evenly spread factors, such as 0.001, 0.01, 0.1.
    let isWide = numbers.allSatisfy { $0 > 0 } && (numbers.max() ?? 1) >= 20 * (numbers.min() ?? 1)
    return .numbers(isWide ? .log : .linear, ticks: numbers)
  }

  // MARK: - Table

  private var table: String? {
    guard report.rangeTest == nil else { return nil }
    let table = SweepTable(report)
    func row(_ cells: [String], _ element: String) -> String {
      cells.enumerated().map { index, cell in
        // Figures to the right, the state to the left.
        let kind = index == cells.count - 1 ? "" : #" class="number""#
        return "<\(element)\(kind)>\(HTMLPage.escaped(cell))</\(element)>"
      }.joined()
    }
    let rows = table.rows.map { trial, cells in
      let reason =
        report.trials[trial - 1].reason.map { #" title="\#(HTMLPage.escaped($0))""# } ?? ""
      return #"<tr data-trial="\#(trial)" tabindex="0"\#(reason)>\#(row(cells, "td"))</tr>"#
    }
    return card(
      "Trials", "The best first. Each is a run in \(directory.path)/trials.",
      """
      <table class="lines"><thead><tr>\(row(table.header, "th"))</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      """)
  }
}
