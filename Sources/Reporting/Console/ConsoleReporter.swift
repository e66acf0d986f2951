/// Shows a run to the person who started it.
///
/// On a terminal: an overview, then one live line that follows the steps, above it evaluations and
/// checkpoints as they come. Elsewhere (a log file, a batch job): the same as plain lines, the first
/// step, the last, and in between one every 2 to 60 seconds, seldomer as the run grows older.
public final class ConsoleReporter: RunObserver {
  /// How much is shown.
  public enum Verbosity: Sendable {
    case normal
    /// Only what the user may have to act on: notices and skipped checkpoints.
    case quiet
  }

  private let output: any TextOutput
  private let verbosity: Verbosity
  private var style = ConsoleStyle()
  private var runDirectory: String?
  /// The last step told of, whether or not it was shown.
  private var latest: StepRecord?
  private var isLatestShown = false
  private var isLiveLineUp = false
  /// `seconds` of the step that was shown last.
  private var shownAt: Double?
  /// What is drawn below the live line; nil: nothing.
  private var curve: LiveCurve?

  /// - Parameters:
  ///   - output: Default: standard output.
  ///   - verbosity: Default: `.normal`.
  ///   - drawsCurve: Whether the loss is drawn below the live line. Default: no.
  public init(
    output: any TextOutput = DescriptorOutput(), verbosity: Verbosity = .normal,
    drawsCurve: Bool = false
  ) {
    self.output = output
    self.verbosity = verbosity
    curve = drawsCurve ? LiveCurve() : nil
  }

  public func receive(_ event: RunEvent) {
    switch (event, verbosity) {
    case (.notice(let text), _):
      show(style.notice(text))
    case (.started(let overview), .quiet):
      for skipped in overview.skipped { show(style.skipped(skipped)) }
    case (_, .quiet):
      break
    case (.started(let overview), .normal):
      start(overview)
    case (.step(let record), .normal):
      follow(record)
    case (.evaluation(let record), .normal):
      showLatest()
      show(style.evaluation(record))
    case (.samples(let record), .normal):
      showLatest()
      for line in style.samples(record) { show(line) }
    case (.ranks, .normal), (.distributions, .normal):
      break
    case (.checkpoint(let record), .normal):
      show(style.checkpoint(record))
    case (.stopped(let signal, let step), .normal):
      showLatest()
      show(style.stopped(signal: signal, step: step, isSaved: runDirectory != nil))
    case (.finished(let summary), .normal):
      showLatest()
      output.write("\n")
      for line in style.finished(summary, runDirectory: runDirectory) { show(line) }
    }
  }

  private func start(_ overview: RunOverview) {
    runDirectory = overview.runDirectory
    style = ConsoleStyle(steps: overview.steps, unit: overview.unit)
    for line in style.overview(overview) { show(line) }
    output.write("\n")
  }

  /// Follows the steps: redraws the live line, or prints a plain one now and then.
  private func follow(_ record: StepRecord) {
    latest = record
    isLatestShown = false
    curve?.add(step: record.step, loss: record.loss)
    let isLast = record.step >= record.steps
    let elapsed = shownAt.map { record.seconds - $0 }
    if let columns = output.columns {
      // Ten times a second is as smooth as it gets.
      guard isLast || elapsed.map({ $0 >= 0.1 }) ?? true else { return }
      // One column stays free: some terminals wrap when the last is written.
      let text = style.live(record, columns: columns - 1).text(
        columns: columns - 1, isColored: output.isColored)
      output.write("\r" + text + Self.clearToEnd + below(columns: columns - 1))
      isLiveLineUp = true
      shownAt = record.seconds
    } else {
      let interval = min(max(record.seconds / 50, 2), 60)
      if isLast || elapsed.map({ $0 >= interval }) ?? true { showLatest() }
    }
  }

  /// Makes the last step's line permanent.
  private func showLatest() {
    guard let latest, !isLatestShown else { return }
    show(style.step(latest))
    isLatestShown = true
    shownAt = latest.seconds
  }

  /// What is drawn below the live line, the cursor back on it.
  private func below(columns: Int) -> String {
    guard let curve else { return "" }
    let lines = curve.lines(columns: columns)
    return lines.map { "\n" + $0 + Self.clearToEnd }.joined() + "\u{1B}[\(lines.count)A"
  }

  /// Prints a line for good, in place of the live one, which the next step draws anew.
  private func show(_ line: ConsoleLine) {
    let text = line.text(isColored: output.isColored)
    // With a curve, all that is below goes, too.
    let clear = curve == nil ? Self.clearToEnd : "\u{1B}[J"
    output.write((isLiveLineUp ? "\r" + clear : "") + text + "\n")
    isLiveLineUp = false
  }

  private static let clearToEnd = "\u{1B}[K"
}
