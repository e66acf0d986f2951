import Checkpoints
import Foundation
import Settings

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

  /// What the model of a checkpoint learned, where the checkpoint says so; nil for a language model,
  /// which is described by `config.json`.
  ///
  /// - Throws: `ConfigurationError` where its `config.yaml` can not be read.
  static func task(of directory: String) throws(ConfigurationError) -> TaskName? {
    let path = directory + "/config.yaml"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try RunConfiguration.load(path: path).task
  }
}
