import LockstepTensors
import LockstepTraining

extension TrainedModel {
  /// Opens a model, and tells on standard error what the user should know of how it was found.
  static func opened(
    _ path: String, in workspace: Workspace, precision: PrecisionArgument
  ) throws -> TrainedModel {
    let trained = try open(path, in: workspace, precision: precision.precision)
    trained.showNotices()
    return trained
  }

  /// Tells on standard error what the user should know of how the model was found.
  func showNotices() {
    for notice in notices { StandardError.say("lockstep: \(notice)") }
  }
}
