import Checkpoints
import Foundation
import Settings

/// A run's directory: its resolved configuration, metrics, summary and checkpoints.
///
/// Only rank zero touches it.
public struct RunDirectory: Sendable {
  public let path: String

  public init(path: String) {
    self.path = path
  }

  public var configurationPath: String { path + "/config.yaml" }
  public var metricsPath: String { path + "/metrics.jsonl" }
  public var summaryPath: String { path + "/summary.json" }
  public var checkpoints: CheckpointDirectory { CheckpointDirectory(path: path + "/checkpoints") }

  /// The configuration that the run was started with.
  ///
  /// - Throws: `ConfigurationError`.
  public func configuration() throws(ConfigurationError) -> RunConfiguration {
    try RunConfiguration.load(path: configurationPath)
  }

  /// Makes the directory ready for a run: creates it, or checks that what it holds may go on.
  ///
  /// - Parameters:
  ///   - configuration: What is to be run; written to `config.yaml`.
  ///   - resume: Whether a run that is there already is to go on.
  /// - Throws: `ConfigurationError` where another configuration is there; `RunDirectoryError`.
  public func prepare(for configuration: RunConfiguration, resume: Bool) throws {
    if FileManager.default.fileExists(atPath: configurationPath) {
      try configuration.requireSameRun(as: self.configuration(), storedIn: configurationPath)
      let steps = try checkpoints.steps()
      guard resume || steps.isEmpty else {
        throw RunDirectoryError.holdsRun(path: path, step: steps.last ?? 0)
      }
    } else {
      let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      guard contents.isEmpty else { throw RunDirectoryError.foreign(path: path) }
      guard !resume else { throw RunDirectoryError.nothingToResume(path: path) }
    }
    do throws(CheckpointError) {
      try FileSystem.makeDirectory(path)
      try AtomicFile.write(Array(configuration.yaml().utf8), to: configurationPath)
    } catch {
      throw RunDirectoryError.notWritable(error)
    }
  }
}

/// Why a directory can not take a run.
public enum RunDirectoryError: UserInputError, Equatable {
  /// A run of this configuration is there, with checkpoints up to this step.
  case holdsRun(path: String, step: Int)
  /// There are files that no run made.
  case foreign(path: String)
  case nothingToResume(path: String)
  case notWritable(CheckpointError)

  public var description: String {
    switch self {
    case .holdsRun(let path, let step):
      "\(path) already holds this run, saved at step \(step): add --resume to go on, or choose another --output"
    case .foreign(let path):
      "\(path) is not empty and holds no run: choose another --output"
    case .nothingToResume(let path):
      "\(path) holds no run to resume: leave out --resume to start one"
    case .notWritable(let error):
      "\(error); choose another --output"
    }
  }
}
