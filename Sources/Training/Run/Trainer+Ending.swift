import LockstepCommunication
import LockstepReporting
import LockstepTensors

/// How a run ends: stopped, paused, or complete.
extension Trainer {
  /// Saves the run and leaves it open.
  func stopped(by signal: Int32) throws -> ExitCode {
    try saveAndWait()
    emit(.stopped(signal: StopRequest.name(of: signal), step: progress.step))
    try requireObserved()
    return .stopped
  }

  /// Evaluates on all held-out data and saves, as at the end, but leaves the run open.
  func paused() throws -> ExitCode {
    if case .left(let signal)? = try evaluate(batches: 0) { return try stopped(by: signal) }
    try saveAndWait()
    try requireObserved()
    return .success
  }

  /// Ends the run on all ranks where an observer could not do its part. Collective.
  private func requireObserved() throws {
    try communicator.agree { if let observerFailure { throw observerFailure } }
  }

  private func saveAndWait() throws {
    try profile { try $0.end(step: progress.step) }
    try snapshots?.finish()
    try watched(as: .checkpoint) {
      try requireFiniteParameters()
      guard let checkpoints else { return }
      try checkpoints.save(state)
      reportWritten(try checkpoints.finish())
    }
  }

  /// Lets the profiler do its part. A timeline that can not be written ends the run as any other observer's failure
  /// does: after what is to be saved. Collective.
  func profile(_ body: (Profiler) throws -> String?) throws {
    guard let profiler else { return }
    do {
      if let notice = try body(profiler) { emit(.notice(notice)) }
    } catch let error as AgreedError {
      observerFailure = observerFailure ?? error.underlying
    }
  }

  /// The run ends with the weights that it presents. The last evaluation covers all held-out data;
  /// then everything is saved. Where a stop is asked for meanwhile, the evaluation is left, and the run that goes on
  /// ends as this one would have.
  func finished() throws -> ExitCode {
    if let privacy, lastStep < plan.steps {
      emit(.notice(privacy.notice(plannedSteps: plan.steps)))
    }
    try requireFiniteParameters()
    try versions.present()
    if case .left(let signal)? = try evaluate(batches: 0) { return try stopped(by: signal) }
    try saveAndWait()
    let speed = try measureSpeed()
    if let notice = speed?.notice { emit(.notice(notice)) }
    // The observer of the end writes that the run is complete.
    try requireObserved()
    emit(.finished(summary(speed)))
    try requireObserved()
    return .success
  }

  /// Measures the peak and adds up what all ranks' steps computed; nil after a short run, or where no
  /// weight is multiplied. Collective.
  private func measureSpeed() throws -> AchievedSpeed? {
    // Ranks' clocks differ: rank zero's decides.
    let all = try communicator.allGather([progress.ownSeconds, step.operations])
    let (seconds, operations) = (all[0][0], all.reduce(0) { $0 + $1[1] })
    guard seconds >= leastSecondsForPeak, seconds > 0, operations > 0 else { return nil }
    let gigaflops = operations / seconds / 1e9
    let peak = try Peak.measure(
      of: replica.workspace.products.format, threads: replica.workspace.threads,
      communicator: communicator, atLeast: gigaflops)
    return AchievedSpeed(gigaflops: gigaflops, peak: peak)
  }

  private func summary(_ speed: AchievedSpeed?) -> RunSummary {
    RunSummary(
      steps: progress.step, tokens: progress.tokens, loss: progress.lastLoss,
      validationLoss: progress.lastEvaluation?.loss,
      metrics: progress.lastEvaluation?.metrics ?? [], parametersSHA256: parametersHash,
      tokensPerSecond: progress.meanTokensPerSecond,
      gigaflops: speed?.gigaflops, peakGigaflops: speed?.peak.gigaflops,
      peakShare: speed?.peakShare, seconds: progress.seconds,
      ranks: communicator.size, threads: replica.workspace.threads.threadCount,
      parameters: replica.parameters.parameterCount,
      formula: task.formula, weights: versions.evaluated(step: progress.step),
      privacy: privacy?.summary(afterSteps: progress.step), provenance: .current)
  }
}
