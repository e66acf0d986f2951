import LockstepModels
import LockstepReporting

extension Trainer {
  /// Shows what the model makes of a few inputs: the weights that are evaluated, on rank zero. Collective.
  func showSamples() throws {
    guard let sampleMaker else { return }
    try requireFiniteParameters()
    var found: [SamplesRecord.Sample] = []
    var failure: NotFiniteLogitsError?
    try watched(as: .evaluation) {
      try versions.evaluating(
        {
          try communicator.onRankZero {
            let workspace = replica.workspace
            workspace.isTraining = false
            defer { workspace.isTraining = true }
            do {
              found = try workspace.withoutRecording { try sampleMaker.samples(in: workspace) }
            } catch let error as NotFiniteLogitsError {
              // A run outlives a model that can not write for a while.
              failure = error
            }
          }
        }, keepIf: { _ in false })
    }
    if let failure { emit(.notice("no samples of step \(progress.step): \(failure)")) }
    if !found.isEmpty { emit(.samples(SamplesRecord(step: progress.step, samples: found))) }
  }
}
