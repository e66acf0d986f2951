import LockstepFiles
import LockstepParallelism

/// Checkpoints whose files are stored in another way than they were written: encrypted, or no longer so.
extension Manifest {
  /// Whether a file is the manifest of a checkpoint.
  package static func isManifest(_ path: String) -> Bool {
    path.hasSuffix("/" + fileName) && (try? load(from: path)) != nil
  }

  /// Requires that a manifest is true of the files beside it: `rewrite` makes one of whatever is there.
  ///
  /// - Parameter threads: Share the hashing.
  /// - Throws: `CheckpointError` with the first place that is wrong, or what else its parameters can not be
  ///   read for.
  package static func verify(_ path: String, threads: ThreadPool) throws {
    let checkpoint = try Checkpoint(path: FileSystem.parent(of: path))
    try checkpoint.verify(threads: threads)
    // A seal binds the parameters' SHA-256 to the hashes of the files.
    if checkpoint.manifest.isSealed { return }
    try checkpoint.requireParameters(sha256: checkpoint.model().parametersSHA256())
  }

  /// Makes a manifest speak of the files beside it as they are stored now.
  ///
  /// - Throws: `CheckpointError` where it or one of them can not be read.
  package static func rewrite(_ path: String) throws(CheckpointError) {
    let old = try load(from: path)
    var files: [File] = []
    for file in old.files {
      let stored = try onDisk { () throws(FileError) in
        try MappedFile(storedAt: FileSystem.parent(of: path) + "/" + file.name)
      }
      files.append(
        stored.withBytes {
          File(name: file.name, content: $0, hashesWhole: file.sha256 != nil)
        })
    }
    let listing = try JSON.encode(
      Manifest(step: old.step, parametersSHA256: old.parametersSHA256, files: files), path: path)
    try onDisk { () throws(FileError) in try AtomicFile.write(listing, to: path) }
  }
}
