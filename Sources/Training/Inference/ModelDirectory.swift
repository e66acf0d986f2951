import Checkpoints
import Foundation
import Models

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

  /// The architecture of a text model, from `config.json`.
  ///
  /// - Throws: `LoadingError`, `UnsupportedModelError`.
  static func configuration(_ directory: String) throws -> ModelConfiguration {
    guard !holdsPredictor(directory) else {
      throw LoadingError.otherModel(path: directory, found: .prediction, expected: .language)
    }
    let path = directory + "/config.json"
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw LoadingError.noModel(path: directory, missing: "config.json")
    }
    return try ModelConfiguration(huggingFaceJSON: Array(bytes), path: path)
  }

  /// Whether the model is a classification's or a regression's.
  static func holdsPredictor(_ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: directory + "/samples.json")
  }
}
