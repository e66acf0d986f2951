import LockstepReporting
import LockstepTensors

/// Makes what a run shows of its model while it trains.
///
/// Only rank zero's is asked; parameters are bound in the workspace, and nothing is recorded for gradients.
protocol SampleMaker {
  /// - Throws: `NotFiniteLogitsError` where the model can not tell.
  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample]
}
