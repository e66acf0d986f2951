import Foundation
import LockstepCheckpoints
import LockstepFiles
import LockstepParallelism
import LockstepWeights

/// What lies at a path that a user names as a model.
enum ModelPlace {
  case run(RunDirectory)
  case checkpoint(Checkpoint)
  /// Of another program, or what is left of a checkpoint without its manifest.
  case directory(path: String)
  /// A GGUF file, which holds all that there is of a model.
  case gguf(path: String)

  /// Looks at the names of files only, and of a file at its first bytes.
  ///
  /// - Throws: `LoadingError` where there is no directory and no GGUF file, or a checkpoint that is not
  ///   complete.
  init(at path: String) throws(LoadingError) {
    let names: [String]
    do throws(FileError) {
      names = try FileSystem.names(in: path)
    } catch {
      guard error.code == ENOTDIR, GGUFReader.isNamed(path) || GGUFReader.isGGUF(path) else {
        throw LoadingError(noDirectory: path, error)
      }
      self = .gguf(path: path)
      return
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
    let weightNames = WeightFormat.all.map(\.fileName) + [PeftFormat.weightsName]
    let isBeginning =
      names.contains("config.yaml") && !weightNames.contains(where: names.contains)
    if names.contains(RunDirectory.checkpointsName) || isBeginning {
      self = .run(run)
      return
    }
    let files = names.filter(GGUFReader.isNamed)
    let isDescribed = names.contains("config.yaml") || names.contains("config.json")
    if files.isEmpty || isDescribed {
      self = .directory(path: path)
    } else {
      guard files.count == 1 else { throw .severalModels(path: path, files: files) }
      self = .gguf(path: path + "/" + files[0])
    }
  }

  /// Reads what lies at a path, of a run its newest complete checkpoint.
  ///
  /// A run that goes on may save the same step anew while it is read, or someone may remove it: then
  /// everything is read again.
  ///
  /// - Parameter body: Gets a checkpoint or a directory, and newer checkpoints that were passed over.
  /// - Throws: `LoadingError`, and what `body` throws.
  static func reading<Result>(
    _ path: String, threads: ThreadPool = ThreadPool(),
    _ body: (ModelPlace, [SkippedCheckpoint]) throws -> Result
  ) throws -> Result {
    for _ in 1..<mostTries {
      let (place, skipped) = try ModelPlace(at: path).resolved(threads)
      let outcome = Swift.Result { try body(place, skipped) }
      if place.isInPlace { return try outcome.get() }
    }
    let (place, skipped) = try ModelPlace(at: path).resolved(threads)
    return try body(place, skipped)
  }

  /// Some network file systems give a file another number each time they are asked.
  private static let mostTries = 16

  /// A run's newest complete checkpoint, with newer ones that were passed over; or what this is. The
  /// hashes of a checkpoint have been verified.
  private func resolved(_ threads: ThreadPool) throws(LoadingError) -> (
    place: ModelPlace, skipped: [SkippedCheckpoint]
  ) {
    switch self {
    case .run(let run):
      let newest = try run.newestModel(threads)
      return (.checkpoint(newest.checkpoint), newest.skipped)
    case .checkpoint(let checkpoint):
      do throws(CheckpointError) {
        try checkpoint.verify(threads: threads)
      } catch {
        throw .damaged(path: checkpoint.path, reason: error)
      }
      return (self, [])
    case .directory, .gguf: return (self, [])
    }
  }

  private var isInPlace: Bool {
    if case .checkpoint(let checkpoint) = self { checkpoint.isInPlace } else { true }
  }
}

extension RunDirectory {
  /// The newest complete checkpoint, its hashes verified, and newer ones that were passed over.
  ///
  /// - Throws: `LoadingError.noCheckpoint`, or `.unlisted` where the directory can not be listed.
  func newestModel(_ threads: ThreadPool = ThreadPool()) throws(LoadingError) -> (
    checkpoint: Checkpoint, skipped: [SkippedCheckpoint]
  ) {
    let search: CheckpointSearch
    do throws(CheckpointError) {
      search = try checkpoints.newestComplete(threads: threads)
    } catch {
      throw .unlisted(error)
    }
    guard let found = search.found else {
      throw LoadingError.noCheckpoint(path: path, skipped: search.skipped)
    }
    return (found, search.skipped)
  }
}
