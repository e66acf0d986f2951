import LockstepFiles
import LockstepSettings
import LockstepWeights

/// A complete checkpoint on disk: a directory whose manifest agrees with the files beside it.
///
/// As long as a copy of this value lives, no training removes the checkpoint to make room: it can be
/// read from beside a run that goes on.
public struct Checkpoint: Sendable {
  /// The file of the parameters.
  public enum ParametersFile: String, CaseIterable, Sendable {
    case model = "model.safetensors"
    /// Of an adapter alone: the model that it belongs to is elsewhere.
    case adapter = "adapter_model.safetensors"
  }

  static let optimizerFileName = "optimizer.safetensors"
  package static let stateFileName = "state.json"
  static let ownFileNames =
    ParametersFile.allCases.map(\.rawValue) + [
      optimizerFileName, stateFileName, Manifest.fileName,
    ]

  /// The directory.
  public let path: String
  /// What it consists of.
  public let manifest: Manifest
  /// Where its parameters are.
  public let parametersFile: ParametersFile
  /// Keeps `CheckpointDirectory.prune` away.
  private let hold: FileLock

  /// Optimiser steps taken when it was made.
  public var step: Int { manifest.step }

  /// Opens a checkpoint: the manifest is read, and every file in it is there in full length.
  /// Hashes are left to `verify()`.
  ///
  /// - Throws: `CheckpointError`, naming the first file that is missing or wrong.
  public init(path: String) throws(CheckpointError) {
    self.path = path
    hold = try onDisk { () throws(FileError) in
      try FileLock.shared(path + "/" + Manifest.fileName)
    }
    manifest = try Manifest.load(from: path + "/" + Manifest.fileName)
    let names = Set(manifest.files.map(\.name))
    parametersFile = names.contains(ParametersFile.adapter.rawValue) ? .adapter : .model
    for name in [parametersFile.rawValue, Self.optimizerFileName, Self.stateFileName] {
      guard names.contains(name) else {
        throw .malformed(
          path: path + "/" + Manifest.fileName, problem: "lists no '\(name)'")
      }
    }
    for file in manifest.files {
      let filePath = path + "/" + file.name
      let size = try onDisk { () throws(FileError) in try FileSystem.size(of: filePath) }
      guard size == file.bytes else {
        throw .wrongSize(path: filePath, expected: file.bytes, found: size)
      }
    }
  }

  /// Whether its path still leads to this checkpoint: not where a run has saved the same step anew, or
  /// someone has removed it.
  package var isInPlace: Bool { hold.isInPlace }

  /// The parameters; of an adapter those alone.
  public func model() throws(WeightError) -> SafetensorsReader {
    try SafetensorsReader(path: path + "/" + parametersFile.rawValue)
  }

  /// The optimiser's state, whole tensors; empty for an optimiser without state.
  public func optimizerState() throws(WeightError) -> SafetensorsReader {
    try SafetensorsReader(path: path + "/" + Self.optimizerFileName)
  }

  /// Step, tokens, seed and so on.
  ///
  /// - Throws: `CheckpointError.malformed` with everything that no run can have come to, and where the
  ///   step is not the checkpoint's.
  public func state() throws(CheckpointError) -> TrainingState {
    let file = path + "/" + Self.stateFileName
    let bytes = try MappedFile.opened(file).withBytes { Array($0) }
    let state: TrainingState
    do throws(DescriptionError) {
      state = try TrainingState(description: bytes, path: file)
    } catch {
      throw .malformed(path: file, problem: error.problems.joined(separator: "; "))
    }
    guard state.step == manifest.step else {
      throw .malformed(
        path: file,
        problem: "step: found \(state.step), expected \(manifest.step), which the manifest says")
    }
    return state
  }

  /// Checks that parameters, as they were read, are those that the manifest speaks of.
  ///
  /// Where the manifest is sealed, that follows from `verify()`: the parameters' SHA-256 and the hashes of
  /// the file were written together, and neither can change alone. Then nothing is computed.
  ///
  /// - Throws: `CheckpointError.wrongHash`.
  public func requireParameters(_ tensors: [TensorView]) throws(CheckpointError) {
    if manifest.isSealed { return }
    try requireParameters(sha256: LockstepCheckpoints.parametersSHA256(of: tensors))
  }

  /// - Parameter found: What the parameters' SHA-256 is.
  /// - Throws: `CheckpointError.wrongHash` where the manifest says another.
  func requireParameters(sha256 found: String) throws(CheckpointError) {
    guard found == manifest.parametersSHA256 else {
      throw .wrongHash(
        path: path + "/" + parametersFile.rawValue + ", parameters_sha256",
        expected: manifest.parametersSHA256, found: found)
    }
  }

  /// A further file's content, or nil where the checkpoint has no such file.
  public func file(named name: String) throws(CheckpointError) -> [UInt8]? {
    guard manifest.files.contains(where: { $0.name == name }) else { return nil }
    return try MappedFile.opened(path + "/" + name).withBytes { Array($0) }
  }
}
