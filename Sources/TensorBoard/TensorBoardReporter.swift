import Foundation
import LockstepFiles
import LockstepReporting

/// Writes a run's events for TensorBoard: scalars, samples, distributions, and hyperparameters with the state of
/// the run.
///
/// A resumed run writes a file of its own after what was beyond its step has been removed from the others, so that no
/// step is there twice. Numbers are 32-bit there, as TensorBoard has them; `metrics.jsonl` has them whole.
public final class TensorBoardReporter: RunObserver {
  private let directory: String
  private let resumedStep: Int
  private let now: () -> Date
  /// Nil until there is something to write: a run that is complete already leaves no file. One that could not
  /// be begun is not tried again.
  private var file: Result<EventFile, FileError>?
  private var overview: RunOverview?

  /// Makes the directory, and removes from it what will be written again.
  ///
  /// - Parameters:
  ///   - directory: Of event files only.
  ///   - resumedStep: The step that the run goes on from; 0 removes the files that are there.
  ///   - isComplete: Whether the run has ended there and stays as it is. Otherwise what tells of its end is removed,
  ///     too. Default: no.
  ///   - now: The time, which events carry. Default: the clock's.
  /// - Throws: `FileError`.
  public init(
    directory: String, resumedStep: Int, isComplete: Bool = false,
    now: @escaping () -> Date = { Date() }
  ) throws {
    (self.directory, self.resumedStep, self.now) = (directory, resumedStep, now)
    try FileSystem.makeDirectory(directory)
    try EventRecords.shorten(in: directory, toStep: resumedStep, keepsEnd: isComplete)
  }

  /// Makes a file, which begins with what is known of the run.
  private func opened() throws(FileError) -> EventFile {
    if let file { return try file.get() }
    let begun = Result { () throws(FileError) in try EventFile(in: directory, date: now()) }
    self.file = begun
    let file = try begun.get()
    if resumedStep > 0 {
      // A TensorBoard that is running has read what was removed.
      try append(step: resumedStep + 1) { $0.sessionLog = .with { $0.status = .start } }
    }
    if let overview { try append(step: 0, [Self.sessionStart(overview, at: now())]) }
    return file
  }

  public func receive(_ event: RunEvent) throws {
    switch event {
    case .started(let overview): self.overview = overview
    case .step(let record):
      try append(
        step: record.step,
        [
          .scalar("train/loss", record.loss),
          .scalar("train/gradient_norm", record.gradientNorm),
          .scalar("train/learning_rate", record.learningRate),
          .scalar("throughput/tokens_per_second", record.tokensPerSecond),
        ] + (record.epsilon.map { [.scalar("privacy/epsilon", $0)] } ?? [])
          + (record.clients.map { [.scalar("federated/clients", Double($0))] } ?? []))
    case .evaluation(let record):
      let metrics = record.metrics.map {
        TensorBoardSummary.Value.scalar("validation/\($0.key)", $0.value)
      }
      try append(step: record.step, [.scalar("validation/loss", record.loss)] + metrics)
    case .ranks(let record): try append(step: record.step, Self.values(of: record))
    case .samples(let record):
      try append(
        step: record.step,
        record.samples.enumerated().map { .text("samples/\($0 + 1)", Self.markdown(of: $1)) }
          + record.samples.enumerated().compactMap { index, sample in
            sample.image.map { .image("sample images/\(index + 1)", $0) }
          })
    case .distributions(let record):
      try append(
        step: record.step,
        record.tensors.map { .histogram("\(record.kind.rawValue)/\($0.name)", $0.histogram) })
    case .finished(let summary):
      let info = TensorBoardSessionEndInfo.with {
        $0.status = .success
        $0.endTimeSecs = now().timeIntervalSince1970
      }
      let end = TensorBoardSummary.Value.hyperparameters(
        TensorBoardSummary.Value.end, .with { $0.sessionEndInfo = info })
      let metrics = summary.metrics.map {
        TensorBoardSummary.Value.scalar("final/\($0.key)", $0.value)
      }
      try append(
        step: summary.steps,
        (summary.loss.map { [.scalar("final/loss", $0)] } ?? [])
          + (summary.validationLoss.map { [.scalar("final/validation_loss", $0)] } ?? [])
          + metrics + [end])
    case .checkpoint, .notice, .stopped: break
    }
  }

  private func append(step: Int, _ values: [TensorBoardSummary.Value]) throws(FileError) {
    try append(step: step) { $0.summary = .with { $0.value = values } }
  }

  private func append(
    step: Int, _ fill: (inout TensorBoardEvent) -> Void
  ) throws(FileError) {
    var event = TensorBoardEvent()
    event.wallTime = now().timeIntervalSince1970
    event.step = Int64(step)
    fill(&event)
    try opened().append(event)
  }

  // MARK: - Records

  /// The keys of the configuration, as the HParams tab lists them.
  private static func sessionStart(_ overview: RunOverview, at date: Date)
    -> TensorBoardSummary.Value
  {
    let info = TensorBoardSessionStartInfo.with { info in
      info.startTimeSecs = date.timeIntervalSince1970
      for parameter in overview.hyperparameters {
        switch parameter.value {
        case .number(let number): info.hparams[parameter.key] = .init(numberValue: number)
        case .flag(let flag): info.hparams[parameter.key] = .init(boolValue: flag)
        case .text(let text): info.hparams[parameter.key] = .init(stringValue: text)
        }
      }
    }
    return .hyperparameters("session_start_info", .with { $0.sessionStartInfo = info })
  }

  /// Means over the ranks, but for memory, of which the largest counts.
  private static func values(of record: RanksRecord) -> [TensorBoardSummary.Value] {
    func mean(_ seconds: (RanksRecord.Rank) -> Double) -> Double {
      record.ranks.reduce(0) { $0 + seconds($1) } / Double(max(1, record.ranks.count))
    }
    return [
      .scalar("time/forward_seconds", mean(\.forwardSeconds)),
      .scalar("time/backward_seconds", mean(\.backwardSeconds)),
      .scalar("time/reduction_seconds", mean(\.reductionSeconds)),
      .scalar("time/waiting_seconds", mean(\.waitingSeconds)),
      .scalar("time/optimizer_seconds", mean(\.optimizerSeconds)),
      .scalar("memory/largest_rank_bytes", Double(record.ranks.map(\.residentBytes).max() ?? 0)),
    ]
  }

  /// Texts are Markdown there: what a model made is shown as it is, in blocks of code.
  private static func markdown(of sample: SamplesRecord.Sample) -> String {
    let parts =
      [(sample.kind.rawValue, sample.input), ("model", sample.text)]
      + (sample.reference.map { [("reference", $0)] } ?? [])
    return parts.map { label, text in
      // Indented lines are code whatever they hold; a fence could be closed by the text.
      let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      return "**\(label)**\n\n" + lines.map { "    \($0)" }.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }
}
