import Foundation
import LockstepDatasets
import LockstepFiles

extension RunConfiguration {
  /// The paths of a run's own data, found from the directory that the run recorded.
  ///
  /// - Parameters:
  ///   - select: The files that are asked for.
  ///   - directory: What stands in for the recorded directory; nil: nothing.
  /// - Throws: `EvaluationError.noOwnData` where one of the files is not there.
  func ownData(
    from directory: String?, _ select: (DataConfiguration) -> [String]
  ) throws -> [String] {
    var configuration = self
    if let directory { configuration.directory = directory }
    let paths = select(configuration.locatingFiles().data)
    for (path, name) in zip(paths, select(recipe.data)) where try !FileSystem.exists(path) {
      throw EvaluationError.noOwnData(name: name, directory: configuration.directory)
    }
    return paths
  }
}

extension DataRecord {
  /// Refuses a tokenizer that is not the one that a model learned with, where the model's directory
  /// says which that was.
  ///
  /// - Parameters:
  ///   - tokenizer: From the directory.
  ///   - directory: Of a checkpoint, or a copy of one, that has a `data.json`.
  /// - Throws: `LoadingError.foreignTokenizer`; `DataRecordError` or `FileError` where it can not be
  ///   read.
  static func requireTokenizer(
    _ tokenizer: any Tokenizer, ofModelIn directory: String
  ) throws {
    let path = directory + "/" + fileName
    let bytes = try MappedFile(path: path).withBytes { Array($0) }
    guard let learned = try DataRecord(json: bytes, path: path).tokenizer else { return }
    let found = TokenizerRecord(tokenizer, added: learned.added)
    guard found.sha256 != learned.sha256 else { return }
    throw LoadingError.foreignTokenizer(
      path: directory + "/tokenizer.json", found: found.sha256, expected: learned.sha256)
  }
}
