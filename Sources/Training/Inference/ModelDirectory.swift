import Foundation
import LockstepCheckpoints
import LockstepModels
import LockstepSettings

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

  /// What the model of a checkpoint learned, where the checkpoint says so; nil for a model of text,
  /// which is described by `config.json`.
  ///
  /// - Throws: `ConfigurationError` where its `config.yaml` can not be read.
  static func task(of directory: String) throws(ConfigurationError) -> TaskName? {
    let path = directory + "/config.yaml"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try RunConfiguration.load(path: path).task
  }

  /// The architecture of a text model, from `config.json`.
  ///
  /// - Parameter kind: What is wanted, for errors. Default: a language model.
  /// - Throws: `LoadingError`, `UnsupportedModelError`, `ConfigurationError`.
  static func configuration(
    _ directory: String, for kind: ModelKind = .language
  ) throws -> ModelConfiguration {
    if let task = try task(of: directory), ![.language, .maskedLanguage].contains(task.modelKind) {
      throw LoadingError.otherModel(path: directory, found: task.modelKind, expected: kind)
    }
    let path = directory + "/config.json"
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw LoadingError.noModel(path: directory, missing: "config.json")
    }
    return try ModelConfiguration(huggingFaceJSON: Array(bytes), path: path)
  }
}
