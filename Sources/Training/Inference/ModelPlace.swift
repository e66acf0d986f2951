import LockstepCheckpoints
import LockstepFiles
import LockstepWeights

/// What lies at a path that a user names as a model.
enum ModelPlace {
  case run(RunDirectory)
  case checkpoint(Checkpoint)
  /// Of another program, or what is left of a checkpoint without its manifest.
  case directory(path: String)

  /// Looks at the names of files only.
  ///
  /// - Throws: `LoadingError` where there is no directory, or a checkpoint that is not complete.
  init(at path: String) throws(LoadingError) {
    let names: [String]
    do throws(FileError) {
      names = try FileSystem.names(in: path)
    } catch {
      throw LoadingError(noDirectory: path, error)
    }
    if names.contains(Manifest.fileName) {
      do throws(CheckpointError) {
        self = .checkpoint(try Checkpoint(path: path))
      } catch {
        throw .damaged(path: path, reason: error)
      }
      return
    }
    let run = RunDirectory(path: path)
    // A run that was stopped before its first checkpoint has its configuration alone.
    let isBeginning =
      names.contains("config.yaml") && !WeightFormat.all.contains { names.contains($0.fileName) }
    self =
      FileSystem.isDirectory(run.checkpoints.path) || isBeginning
      ? .run(run) : .directory(path: path)
  }
}

extension RunDirectory {
  /// The newest complete checkpoint, its hashes verified, and newer ones that were passed over.
  ///
  /// - Throws: `LoadingError.noCheckpoint`; `CheckpointError` where the directory can not be listed.
  func newestModel() throws -> (checkpoint: Checkpoint, skipped: [SkippedCheckpoint]) {
    let search = try checkpoints.newestComplete()
    guard let found = search.found else {
      throw LoadingError.noCheckpoint(path: path, skipped: search.skipped)
    }
    return (found, search.skipped)
  }
}
