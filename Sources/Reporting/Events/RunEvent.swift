/// What a run tells the world, as it happens.
///
/// The trainer emits these on rank zero and knows nothing of its observers; whatever renders or
/// stores them is a `RunObserver`.
public enum RunEvent: Sendable {
  /// Before the first step.
  case started(RunOverview)
  /// After every optimiser step.
  case step(StepRecord)
  /// After every evaluation; its step's `step` event came before.
  case evaluation(EvaluationRecord)
  /// Every few steps, after the step's event: where the time goes on each rank.
  case ranks(RanksRecord)
  /// What the model makes of a few inputs, where a configuration asks for it.
  case samples(SamplesRecord)
  /// Distributions of the tensors' elements, where a configuration asks for them.
  case distributions(DistributionsRecord)
  /// A checkpoint became complete; with writing in the background, some steps later.
  case checkpoint(CheckpointRecord)
  /// Something the user should know that fits nowhere else; one line without a full stop.
  case notice(String)
  /// A signal asked the run to stop, and everything is saved where the run has a directory; `signal` such as
  /// `SIGTERM`.
  case stopped(signal: String, step: Int)
  /// All steps are done, and everything is saved where the run has a directory.
  case finished(RunSummary)
}

/// Renders or stores a run's events. Attached on rank zero only.
public protocol RunObserver: AnyObject {
  /// Called from one thread, in the order of events; returns soon, because the run waits.
  ///
  /// - Throws: `FileError` where the event could not be stored.
  func receive(_ event: RunEvent) throws
}
