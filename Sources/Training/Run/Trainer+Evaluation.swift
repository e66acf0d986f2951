import LockstepReporting

/// What a run looks at between its steps: its loss on held-out data, and samples.
extension Trainer {
  /// Evaluates and shows samples, where that is due after the step that was taken last. Collective.
  ///
  /// - Returns: The signal that asked for a stop during the evaluation, which then is owed; nil: all was done.
  func look() throws -> Int32? {
    // The last step is evaluated on all data anyway; but what goes by evaluations must not depend on where the run
    // ends.
    let isLast = progress.step == lastStep
    isEvaluationOwed = false
    if isEvaluationDue && (!isLast || plan.needsEvaluations) {
      if let signal = try evaluateAndWatch() { return signal }
    }
    // The evaluation may have ended the run.
    if plan.samples.isDue(step: progress.step, isLast: isDone) { try showSamples() }
    return nil
  }

  private var isEvaluationDue: Bool {
    let every = plan.evaluate.every
    return every > 0 && progress.step.isMultiple(of: every)
  }

  /// Evaluates on some of the held-out data; what the run makes of it follows.
  ///
  /// - Returns: As `look`.
  private func evaluateAndWatch() throws -> Int32? {
    let evaluation = try evaluate(batches: plan.evaluate.batches) { [self] in
      earlyStopping.isImprovement($0.loss, plan.earlyStopping)
    }
    switch evaluation {
    case nil: break
    case .left(let signal):
      isEvaluationOwed = true
      return signal
    case .result(let result):
      if let shape = plan.schedule.plateau {
        plateau.record(result.loss, shape)
        step.rateFactor = plateau.factor
      }
      earlyStopping.record(result.loss, step: progress.step, plan.earlyStopping)
      if let notice = earlyStopping.notice { emit(.notice(notice)) }
    }
    return nil
  }

  /// Takes the next step as `run` would, without events: for a replay. Collective.
  package func replayStep() throws -> StepOutcome {
    if isEvaluationOwed && plan.schedule.plateau != nil { _ = try evaluateAndWatch() }
    isEvaluationOwed = false
    let outcome = try step.run(step: progress.step)
    progress.record(outcome, seconds: 0)
    versions.record(step: progress.step)
    if plan.schedule.plateau != nil && isEvaluationDue { _ = try evaluateAndWatch() }
    return outcome
  }

  /// Evaluates, and tells the observers. Where a stop is asked for meanwhile, the evaluation is left, and nothing
  /// is told or kept of it. Collective.
  ///
  /// - Parameters:
  ///   - batches: How many of the held-out data; 0: all.
  ///   - isBest: Whether the weights are to be kept as the best so far.
  /// - Returns: Nil where there is nothing to evaluate on.
  func evaluate(
    batches: Int, keepIf isBest: (EvaluationResult) -> Bool = { _ in false }
  ) throws -> Evaluation? {
    let available = task.evaluationBatchCount
    guard available > 0 else { return nil }
    try requireFiniteParameters()
    let start = ContinuousClock.now
    let evaluation = try watched(as: .evaluation) {
      try versions.evaluating(
        {
          try evaluator.run(
            count: batches == 0 ? available : min(batches, available), metrics: task.metrics,
            until: stop
          ) { try task.evaluationLoss(batch: $0, in: replica.workspace) }
        },
        keepIf: { if case .result(let result) = $0 { isBest(result) } else { false } })
    }
    guard case .result(let result) = evaluation else { return evaluation }
    progress.record(result)
    emit(
      .evaluation(
        EvaluationRecord(
          step: progress.step, loss: result.loss, metrics: result.metrics,
          tokens: result.targetCount, seconds: (ContinuousClock.now - start) / .seconds(1),
          weights: versions.evaluated(step: progress.step))))
    if let notice = result.notice(step: progress.step) { emit(.notice(notice)) }
    return evaluation
  }
}
