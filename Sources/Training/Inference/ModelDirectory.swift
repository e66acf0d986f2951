import Checkpoints
import Foundation

/// Finds the directory that holds a trained model.
enum ModelDirectory {
  /// The directory with the tensors: of a run, that of its newest complete checkpoint.
  ///
  /// - Throws: `LoadingError`.
  static func find(_ path: String) throws -> String {
    guard FileManager.default.fileExists(atPath: path) else {
      throw LoadingError.nothingThere(path: path)
    }
    let checkpoints = RunDirectory(path: path).checkpoints
    guard FileManager.default.fileExists(atPath: checkpoints.path) else { return path }
    guard let found = try checkpoints.newestComplete().found else {
      throw LoadingError.noCheckpoint(path: path)
    }
    return found.path
  }

  /// Whether the model is a classification's or a regression's.
  static func holdsPredictor(_ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: directory + "/samples.json")
  }
}
