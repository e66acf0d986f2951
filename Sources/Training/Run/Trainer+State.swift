import LockstepCheckpoints
import LockstepOptimization

/// Where a run has come to: what is saved of it, and how it is brought back.
extension Trainer {
  /// Brings parameters and optimiser to where the run has come: from memory if that is as new as what
  /// is on disk. Collective.
  ///
  /// - Returns: What is known of the run there; nil at its beginning.
  func restored(
    _ start: Start, over weights: PretrainedWeights?
  ) throws -> TrainingState? {
    let snapshot = start == .newestCheckpoint ? snapshots?.inventory.newest : nil
    var state: TrainingState?
    let stored = try checkpoints?.newestStep() ?? -1
    if start != .beginning, snapshot.map({ $0.step < stored }) ?? true {
      let restored = try checkpoints?.restore(start, over: weights)
      skippedCheckpoints = restored?.skipped ?? []
      state = restored?.state
    }
    guard let snapshots else { return state }
    // The newest on disk may have been damaged.
    guard let snapshot, snapshot.step > state?.step ?? -1 else {
      try snapshots.keep(only: nil)
      return state
    }
    state = try snapshots.restore(snapshot, over: weights)
    try snapshots.keep(only: snapshot)
    return state
  }

  func resume(from state: TrainingState) throws {
    progress.resume(from: state)
    try step.resume(from: state.notes)
    plateau = try Note.value("plateau", in: state.notes) ?? PlateauShape.Memory()
    step.rateFactor = plateau.factor
    earlyStopping = try Note.value("early_stopping", in: state.notes) ?? EarlyStopping()
    isEvaluationOwed = try Note.flag(Note.evaluationOwed, in: state.notes)
  }

  /// Goes on with the run's key and noise. Collective.
  func resumePrivacy(from state: TrainingState) throws {
    guard let privacy else { return }
    let memory: PrivateTraining.Memory? = try communicator.agree {
      let path = checkpoints?.statePath(ofStep: state.step)
      return try ResumeError.reading(notesOf: path) {
        try Note.value(PrivateTraining.noteName, in: state.notes)
      }
    }
    try privacy.resume(from: memory, step: state.step)
  }

  /// What a checkpoint stores beside the tensors.
  var state: TrainingState {
    get throws {
      var notes = try step.notes.merging(versions.notes) { first, _ in first }
      if plan.schedule.plateau != nil { notes["plateau"] = try Note.text(plateau) }
      if plan.earlyStopping.isOn { notes["early_stopping"] = try Note.text(earlyStopping) }
      if isEvaluationOwed { notes[Note.evaluationOwed] = "true" }
      if let privacy { notes[PrivateTraining.noteName] = try Note.text(privacy.memory) }
      return progress.state(notes: notes)
    }
  }

  /// Before parameters are saved, and before an evaluation would show nothing else. Collective.
  func requireFiniteParameters() throws {
    try replica.requireFinite(step: progress.step, communicator)
    try step.requireFinite(afterStep: progress.step)
  }

  /// SHA-256 of all parameters' bytes in name order, of an adapter's alone where there is one: runs are equal
  /// when it is.
  public var parametersHash: String {
    parametersSHA256(of: replica.parameters.savedViews(of: replica.values))
  }
}
