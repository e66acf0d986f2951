import Foundation
import LockstepDatasets

extension RunConfiguration {
  /// The configuration as a run stores it: it names the directory that its relative paths start from.
  ///
  /// - Parameter current: The directory that the command is run in. Default: this process's.
  package func recordingDirectory(
    current: String = FileManager.default.currentDirectoryPath
  ) -> RunConfiguration {
    var configuration = self
    configuration.directory = Self.path(recipe.directory ?? current, from: current)
    return configuration
  }

  /// The configuration with paths by which its files can be opened here: those that start from a
  /// directory other than the current one are written out.
  ///
  /// - Parameter current: The directory that the command is run in. Default: this process's.
  package func locatingFiles(
    current: String = FileManager.default.currentDirectoryPath
  ) -> RunConfiguration {
    guard let directory = recipe.directory, case let start = Self.path(directory, from: current),
      start != current
    else { return self }
    var configuration = self
    configuration.data = recipe.data.mappingPaths { Self.path($0, from: start) }
    configuration.wordVectors.path = recipe.wordVectors.path.map { Self.path($0, from: start) }
    configuration.model.from = recipe.model.from.map { Self.path($0, from: start) }
    configuration.adapter = recipe.adapter.mappingPath { Self.path($0, from: start) }
    configuration.loss.kind = recipe.loss.kind.mappingPath { Self.path($0, from: start) }
    return configuration
  }

  /// A path of the configuration, by which the file can be opened here.
  ///
  /// - Parameter directory: Where relative paths start; nil: the current directory.
  static func path(_ path: String, startingFrom directory: String?) -> String {
    directory.map { Self.path(path, from: $0) } ?? path
  }

  /// A path, absolute or from a directory, without `.` or a slash at its end.
  private static func path(_ path: String, from directory: String) -> String {
    let full = path.hasPrefix("/") ? path : directory + "/" + path
    let parts = full.unicodeScalars.split(separator: "/").map { String($0) }.filter { $0 != "." }
    return "/" + parts.joined(separator: "/")
  }
}
