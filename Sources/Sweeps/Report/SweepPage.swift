import Foundation
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// `sweep.html`: the trials as parallel coordinates, their losses, a range test's curve, and the
/// table.
struct SweepPage {
  private let report: SweepReport
  private let plan: SweepPlan
  private let directory: SweepDirectory

  init(_ report: SweepReport, plan: SweepPlan, directory: SweepDirectory) {
    (self.report, self.plan, self.directory) = (report, plan, directory)
  }

  func bytes() throws -> [UInt8] {
    let name = URL(fileURLWithPath: directory.path).lastPathComponent
    let sections = [rangeTest, parallelCoordinates, try curves(), table].compactMap(\.self)
    return HTMLPage(
      title: "Sweep \(name)", style: String(decoding: PackageResources.sweep_css, as: UTF8.self),
      body: """
        <h1>Sweep \(HTMLPage.escaped(name))</h1>
        \(facts)
        \(sections.joined(separator: "\n"))
        """,
      data: Data(try report.bytes()),
      script: String(decoding: PackageResources.sweep_js, as: UTF8.self)
    ).bytes
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
    let unranked = report.trials.filter { $0.metric == nil }
    return unranked + report.ranking.reversed().map { report.trials[$0 - 1] }
  }

  /// The attributes by which style and script know a trial's lines; `--rank` goes from 0, the best,
  /// to 1.
  private func attributes(_ trial: SweepReport.Trial) -> String {
    let place = report.ranking.firstIndex(of: trial.trial)
    let rank = place.map { Double($0) / Double(max(1, report.ranking.count - 1)) } ?? 1
    let kind = place == 0 ? " best" : place == nil ? " lost" : ""
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
        return Double(text).map { .number($0) }
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

  private func axisValues(of parameter: SweptParameters.Parameter) -> ParallelPlot.Values {
    let domain = parameter.domain
    if domain.values.isEmpty {
      return .numbers(domain.scale == .log ? .log : .linear)
    }
    let numbers = domain.values.compactMap { $0.scalar.flatMap(Double.init) }
    guard numbers.count == domain.values.count, Set(numbers).count > 1 else {
      return .names(domain.values.map(YAMLWriter.inline))
    }
    // Evenly spread factors, such as 0.001, 0.01, 0.1.
    let isWide = numbers.allSatisfy { $0 > 0 } && (numbers.max() ?? 1) >= 20 * (numbers.min() ?? 1)
    return .numbers(isWide ? .log : .linear, ticks: numbers)
  }

  private func curves() throws -> String? {
    let histories = try drawn.map { trial in
      (
        trial: trial,
        runs: try trial.runs.map {
          try RunHistory(path: "\(directory.path)/\($0.directory)/metrics.jsonl")
        }
      )
    }
    guard report.rangeTest == nil else { return nil }
    // At most so many points a curve, each the mean of as many steps.
    let count = max(20, min(240, 60_000 / max(1, histories.count)))
    let longest = histories.flatMap(\.runs).compactMap { $0.steps.last?.step }.max() ?? 0
    let width = max(1, (longest + count - 1) / count)
    let training = histories.flatMap { trial, runs in
      runs.map { history in
        SeriesPlot.Series(
          attributes: attributes(trial),
          points: Self.thinned(
            history.steps.compactMap { step in
              step.loss.map { (x: Double(step.step), y: $0) }
            }, by: width))
      }
    }
    let heldOut = histories.flatMap { trial, runs in
      runs.map { history in
        SeriesPlot.Series(
          attributes: attributes(trial),
          points: history.evaluations.compactMap { evaluation in
            evaluation.loss.map { (x: Double(evaluation.step), y: $0) }
          })
      }
    }
    var text = card(
      "Training loss", "Means of neighbouring steps.", Self.plot("training loss", training))
    if heldOut.contains(where: { $0.points.count > 1 }) {
      text += card("Validation loss", "At each evaluation.", Self.plot("validation loss", heldOut))
    }
    return text
  }

  private static func plot(_ label: String, _ series: [SeriesPlot.Series]) -> String {
    var plot = SeriesPlot(title: label, xLabel: "step", yLabel: label, series: series)
    // What diverges leaves the plot at its top, and does not flatten the others.
    plot.yLimit = series.compactMap { $0.points.first?.y }.max().map { 2 * $0 }
    let heights = series.flatMap { $0.points.map(\.y) }.filter { $0 <= plot.yLimit ?? 0 }.sorted()
    if let low = heights.first, low > 0, let high = heights.last, high > 10 * low {
      plot.yScale = .log
    }
    return plot.svg()
  }

  /// The means of so many neighbours each.
  private static func thinned(
    _ points: [(x: Double, y: Double)], by width: Int
  ) -> [(x: Double, y: Double)] {
    guard width > 1 else { return points }
    return stride(from: 0, to: points.count, by: width).map { start in
      let part = points[start..<min(start + width, points.count)]
      let length = Double(part.count)
      return (
        x: part.reduce(0) { $0 + $1.x } / length, y: part.reduce(0) { $0 + $1.y } / length
      )
    }
  }

  private var rangeTest: String? {
    guard let curve = report.rangeTest, !curve.points.isEmpty else { return nil }
    let (raw, smoothed) = (
      curve.points.map { (x: $0.learningRate, y: $0.loss) },
      curve.points.map { (x: $0.learningRate, y: $0.smoothedLoss) }
    )
    var plot = SeriesPlot(
      title: "Loss over the learning rate", xLabel: "learning rate", yLabel: "training loss",
      series: [
        .init(attributes: #"class="raw""#, points: raw),
        .init(attributes: #"class="smoothed""#, points: smoothed),
      ])
    plot.xScale = .log
    let lowest = smoothed.map(\.y).min() ?? 0
    plot.yLimit = max(smoothed[0].y, lowest * RangeCurve.explosion)
    if lowest > 0, smoothed[0].y > 10 * lowest { plot.yScale = .log }
    plot.marks = [
      ("suggestion", curve.suggestion), ("steepest", curve.steepest), ("lowest", curve.lowest),
    ]
    .compactMap { name, rate in
      rate.map { SeriesPlot.Mark("\(name): \(PlotAxis.label($0))", x: $0) }
    }
    return card(
      "Range test",
      "The loss of each step, and smoothed, while the learning rate grows. Below the steepest fall "
        + "training is slow; above the lowest loss it diverges.", plot.svg())
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
