import Dispatch
import Foundation
import LockstepFiles
import LockstepReporting
import LockstepTraining

/// Shows runs in a terminal: a line for each, their losses over each other, and the newest sample.
package struct TerminalWatch {
  private let search: RunSearch
  private var runs: [WatchedRun] = []

  /// Runs beyond these are counted, not drawn: there are no more colours.
  static let drawnCount = 6

  package init(_ search: RunSearch) { self.search = search }

  /// Looks at all files.
  ///
  /// - Parameter now: Seconds since 1970.
  package mutating func look(now: Double = Date().timeIntervalSince1970) {
    let found = search.runs()
    runs.removeAll { !found.contains($0.found) }
    for (place, run) in found.enumerated() where !runs.contains(where: { $0.found == run }) {
      runs.append(WatchedRun(id: place, run))
    }
    for index in runs.indices { runs[index].advance(now: now) }
    // Those that were written to last come first.
    runs.sort { ($1.lastWritten ?? 0, $0.found.name) < ($0.lastWritten ?? 0, $1.found.name) }
  }

  /// What fits a terminal.
  ///
  /// - Returns: As many lines as there are rows, or fewer.
  package func screen(columns: Int, rows: Int, isColored: Bool) -> [String] {
    guard !runs.isEmpty else { return ["no runs yet; Ctrl-C ends"] }
    let columns = max(1, columns)
    let drawn = Array(runs.prefix(Self.drawnCount))
    var lines = drawn.enumerated().map { place, run in
      line(of: run, color: isColored && drawn.count > 1 ? place + 1 : nil, columns: columns)
    }
    if runs.count > drawn.count { lines.append("and \(runs.count - drawn.count) more") }
    let sample = newestSample.map { "sample  \($0)".prefix(columns: columns) }
    let room = rows - lines.count - (sample == nil ? 0 : 1) - 1
    let hasEvaluations = drawn.contains { $0.metrics.evaluations.count > 1 }
    if hasEvaluations, room >= 20 {
      lines += chart("training loss", \.steps, "loss", drawn, columns, room - room / 2, isColored)
      lines += chart(
        "validation loss", \.evaluations, "validation_loss", drawn, columns, room / 2, isColored)
    } else if room >= 6 {
      lines += chart("training loss", \.steps, "loss", drawn, columns, room, isColored)
    }
    return Array((lines + [sample].compactMap(\.self)).prefix(max(1, rows - 1)))
  }

  /// "kjv  running  step 250/1,000  loss 3.2140  validation 3.3121  10,700 tokens/s  1m 12s left".
  private func line(of run: WatchedRun, color: Int?, columns: Int) -> String {
    let metrics = run.metrics
    var parts = [run.found.name.visible, run.state.words]
    parts.append(
      "step \(Quantity.count(metrics.lastStep))"
        + (run.steps.map { "/\(Quantity.count($0))" } ?? ""))
    func last(_ table: MetricsTable, _ name: String) -> Double? { table[name]?.last }
    if let loss = last(metrics.steps, "loss") { parts.append("loss \(Quantity.decimal(loss, 4))") }
    if let loss = last(metrics.evaluations, "validation_loss") {
      parts.append("validation \(Quantity.decimal(loss, 4))")
    }
    if let rate = last(metrics.steps, "tokens_per_second") {
      parts.append("\(Quantity.rounded(rate))/s")
    }
    if run.state == .running, let steps = run.steps, let seconds = run.secondsPerStep {
      parts.append(
        "\(Quantity.duration(Double(max(0, steps - metrics.lastStep)) * seconds)) left")
    }
    if let problem = run.problemText { parts.append(problem.visible) }
    let text = parts.joined(separator: "   ").prefix(columns: columns)
    return color.map { "\u{1B}[3\($0)m\(text)\u{1B}[39m" } ?? text
  }

  private func chart(
    _ title: String, _ table: KeyPath<RunMetrics, MetricsTable>, _ column: String,
    _ runs: [WatchedRun], _ columns: Int, _ rows: Int, _ isColored: Bool
  ) -> [String] {
    let curves = runs.enumerated().map { place, run in
      BrailleChart.Curve(
        Self.points(of: run.metrics[keyPath: table], column, columns: columns),
        color: runs.count > 1 ? place + 1 : nil)
    }
    return BrailleChart(title: title, curves)
      .lines(columns: columns, rows: rows - 1, isColored: isColored)
  }

  /// The lowest and the highest value of each of a terminal's columns, so that peaks stay.
  private static func points(
    of table: MetricsTable, _ column: String, columns: Int
  ) -> [(x: Double, y: Double)] {
    guard let values = table[column] else { return [] }
    let bucket = max(1, values.count / (4 * columns))
    return stride(from: 0, to: values.count, by: bucket).flatMap { start in
      let rows = start..<min(values.count, start + bucket)
      let finite = rows.filter { values[$0].isFinite }
      guard let low = finite.min(by: { values[$0] < values[$1] }),
        let high = finite.max(by: { values[$0] < values[$1] })
      else { return [(x: Double(table.steps[start]), y: Double.nan)] }
      return Set([low, high]).sorted().map { (x: Double(table.steps[$0]), y: values[$0]) }
    }
  }

  private struct SampleLine: Decodable {
    struct Sample: Decodable {
      var prompt: String?
      var source: String?
      var input: String?
      let text: String
    }
    let step: Int
    let samples: [Sample]
  }

  /// The newest sample of the run that was written to last.
  private var newestSample: String? {
    for run in runs {
      guard let data = run.metrics.samples.last,
        let line = try? JSONDecoder().decode(SampleLine.self, from: data),
        let sample = line.samples.first
      else { continue }
      let input = sample.prompt ?? sample.source ?? sample.input ?? ""
      return "step \(line.step)   \(input) → \(sample.text)"
        .split(whereSeparator: \.isNewline).joined(separator: " ↵ ").visible
    }
    return nil
  }
}

extension RunState {
  fileprivate var words: String { self == .quiet ? "no news" : rawValue }
}

extension TerminalWatch {
  /// What there is now, for an output that is no terminal.
  package mutating func text() -> String {
    look()
    return screen(columns: 100, rows: 40, isColored: false).joined(separator: "\n") + "\n"
  }

  /// Draws on a terminal until a signal asks for the end.
  package mutating func run(on output: DescriptorOutput) {
    look()
    let end = DispatchSemaphore(value: 0)
    let listener = StopRequest.listen { _ in end.signal() }
    withExtendedLifetime(listener) {
      // A screen of its own, without the cursor; what was there before comes back.
      output.write("\u{1B}[?1049h\u{1B}[?25l")
      defer { output.write("\u{1B}[?25h\u{1B}[?1049l") }
      repeat {
        let lines = screen(
          columns: (output.columns ?? 80) - 1, rows: output.rows ?? 24,
          isColored: output.isColored)
        output.write(
          "\u{1B}[H" + lines.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J")
        if output.isGone { return }
        let isOver = end.wait(timeout: .now() + .milliseconds(500)) == .success
        if isOver { return }
        look()
      } while true
    }
  }
}
