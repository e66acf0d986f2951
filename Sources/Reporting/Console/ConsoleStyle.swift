/// How each event reads on the console.
struct ConsoleStyle {
  /// Optimiser steps of the whole run; sets the width of the step column.
  var steps = 0
  /// What is counted: "tokens" or "samples".
  var unit = "tokens"

  private static let labelWidth = 10

  /// The headline, then one labelled line each.
  func overview(_ overview: RunOverview) -> [ConsoleLine] {
    var headline = ConsoleLine()
    let threads = overview.threads == 1 ? "1 thread" : "\(overview.threads) threads"
    headline.add(rank: 1, "Lockstep".rightPadded(to: Self.labelWidth), .strong)
    headline.add(
      rank: 1, "\(overview.mode), \(threads)\(overview.ranks == 1 ? "" : " each")")
    var lines = [headline]
    lines += overview.lines.map { labelled($0.label, $0.text) }
    lines.append(labelled("parameters", Quantity.count(overview.parameterCount)))
    lines.append(labelled("run", overview.runDirectory ?? "not saved"))
    if let step = overview.resumedStep {
      lines.append(labelled("resumed", "after step \(Quantity.count(step))"))
    }
    return lines + overview.skipped.map(skipped)
  }

  func skipped(_ checkpoint: RunOverview.Skipped) -> ConsoleLine {
    // The reason mostly names the file, and with it the checkpoint.
    labelled(
      "skipped",
      checkpoint.reason.hasPrefix(checkpoint.path)
        ? checkpoint.reason : "\(checkpoint.path): \(checkpoint.reason)")
  }

  func notice(_ text: String) -> ConsoleLine { labelled("notice", text) }

  /// A step's permanent line.
  func step(_ record: StepRecord) -> ConsoleLine {
    var line = labelled("step", place(of: record.step))
    addMetrics(of: record, to: &line)
    return line
  }

  /// A step's live line: the same with a bar where there is room for it.
  func live(_ record: StepRecord, columns: Int) -> ConsoleLine {
    let plain = step(record)
    let room = columns - plain.text().count - 3
    guard room >= 10, record.steps > 0 else { return plain }
    var line = labelled("step", place(of: record.step))
    line.add(
      rank: 0, Self.bar(Double(record.step) / Double(record.steps), width: min(room, 24)))
    addMetrics(of: record, to: &line)
    return line
  }

  func evaluation(_ record: EvaluationRecord) -> ConsoleLine {
    var line = labelled("evaluation", place(of: record.step))
    line.add(rank: 5, "loss", Quantity.decimal(record.loss, 4).leftPadded(to: 7))
    for metric in record.metrics { line.add(rank: 4, metric.description) }
    if let weights = record.weights { line.add(rank: 3, "(\(weights))") }
    line.add(rank: 2, Quantity.count(record.tokens), unit: unit)
    line.add(rank: 1, "in", Quantity.duration(record.seconds))
    return line
  }

  /// A line for each sample: the input faint, what was made of it, and what would have been right.
  func samples(_ record: SamplesRecord) -> [ConsoleLine] {
    func onOneLine(_ text: String) -> String {
      text.split(whereSeparator: \.isNewline).joined(separator: " ↵ ")
    }
    return record.samples.map { sample in
      var line = ConsoleLine()
      line.add(rank: 9, "sample".rightPadded(to: Self.labelWidth), .faint)
      if !sample.input.isEmpty { line.add(rank: 9, onOneLine(sample.input), .faint) }
      line.add(rank: 9, onOneLine(sample.text))
      if let reference = sample.reference { line.add(rank: 8, "reference", onOneLine(reference)) }
      return line
    }
  }

  func checkpoint(_ record: CheckpointRecord) -> ConsoleLine {
    var line = labelled("checkpoint", place(of: record.step))
    line.add(rank: 2, record.path)
    line.add(rank: 1, "in", Quantity.duration(record.seconds))
    return line
  }

  /// - Parameter isSaved: Whether the run has a directory.
  func stopped(signal: String, step: Int, isSaved: Bool) -> ConsoleLine {
    var line = labelled("stopped", place(of: step))
    let rest =
      isSaved
      ? "everything is saved, --resume goes on from here"
      : "nothing is saved: the run has no directory"
    line.add(rank: 1, "by \(signal); \(rest)")
    return line
  }

  func finished(_ summary: RunSummary, runDirectory: String?) -> [ConsoleLine] {
    var losses = ConsoleLine()
    losses.add(rank: 1, "loss".rightPadded(to: Self.labelWidth), .faint)
    if let loss = summary.loss { losses.add(rank: 1, "training", Quantity.decimal(loss, 4)) }
    if let loss = summary.validationLoss {
      losses.add(rank: 1, "validation", Quantity.decimal(loss, 4))
    }
    for metric in summary.metrics { losses.add(rank: 1, metric.description) }
    if let weights = summary.weights { losses.add(rank: 1, "(\(weights))") }
    var work = labelled("finished", "\(Quantity.count(summary.steps)) steps")
    work.add(rank: 1, Quantity.count(summary.tokens), unit: unit)
    work.add(rank: 1, "in", Quantity.duration(summary.seconds))
    work.add(rank: 1, Quantity.rounded(summary.tokensPerSecond), unit: "\(unit)/s")
    let formula = summary.formula.map { [labelled("formula", $0)] } ?? []
    let privacy = summary.privacy.map {
      [
        labelled(
          "privacy",
          "epsilon \(Quantity.decimal($0.epsilon, 4)) at delta \($0.delta) for each \($0.unit)")
      ]
    }
    return [work, losses] + formula + (privacy ?? []) + [peak(summary)].compactMap { $0 } + [
      labelled("sha256", summary.parametersSHA256)
    ] + (runDirectory.map { [labelled("saved in", $0)] } ?? [])
  }

  /// How much of the processors' arithmetic the model's matrix products used.
  private func peak(_ summary: RunSummary) -> ConsoleLine? {
    guard let share = summary.peakShare, let peak = summary.peakGigaflops else { return nil }
    return labelled(
      "peak",
      "\(Quantity.decimal(100 * share, 1)) % of what the processors can do, "
        + "\(Quantity.rounded(peak)) GFLOP/s")
  }

  private func addMetrics(of record: StepRecord, to line: inout ConsoleLine) {
    line.add(rank: 5, "loss", Quantity.decimal(record.loss, 4).leftPadded(to: 7))
    line.add(rank: 2, "norm", Quantity.decimal(record.gradientNorm, 3).leftPadded(to: 6))
    line.add(rank: 1, "rate", Quantity.rate(record.learningRate))
    if let clients = record.clients { line.add(rank: 3, "clients", "\(clients)") }
    if let epsilon = record.epsilon { line.add(rank: 4, "epsilon", Quantity.decimal(epsilon, 3)) }
    line.add(
      rank: 3, Quantity.rounded(record.tokensPerSecond).leftPadded(to: 7), unit: "\(unit)/s")
    if let left = record.secondsLeft, record.step < record.steps {
      line.add(rank: 4, Quantity.duration(left).leftPadded(to: 7), unit: "left")
    }
  }

  /// A faint label of fixed width, and what it is about.
  private func labelled(_ label: String, _ text: String) -> ConsoleLine {
    var line = ConsoleLine()
    line.add(rank: 9, label.rightPadded(to: Self.labelWidth), .faint)
    line.add(rank: 9, text)
    return line
  }

  /// `  250/1,000`.
  private func place(of step: Int) -> String {
    guard steps > 0 else { return Quantity.count(step) }
    let last = Quantity.count(steps)
    return "\(Quantity.count(step).leftPadded(to: last.count))/\(last)"
  }

  /// A bar of so many columns, filled up to a fraction, in halves of a column.
  private static func bar(_ fraction: Double, width: Int) -> String {
    let halves = Int((min(max(fraction, 0), 1) * Double(2 * width)).rounded(.down))
    let filled = String(repeating: "━", count: halves / 2)
    let half = halves % 2 == 1 ? "╸" : ""
    return filled + half + String(repeating: "─", count: width - halves / 2 - halves % 2)
  }
}
