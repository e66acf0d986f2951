import Foundation

/// A file that appears complete, or not at all.
///
/// It is written under a temporary name in the same directory, synchronised, renamed over the final
/// name, and the directory is synchronised in turn: after a crash or a power failure the name shows
/// either the old content or the new, never a part. Unless `commit()` succeeds, the temporary file
/// is removed and the old content stays.
public final class AtomicFile {
  /// The final name.
  public let path: String
  private let temporaryPath: String
  private let file: OutputFile
  private var isCommitted = false

  /// Opens the temporary file.
  ///
  /// - Parameter bytesNeeded: What will be written in all, in bytes; only error messages use it.
  /// - Throws: `CheckpointError.fileSystem`, with `EACCES` where the directory is not writable.
  public init(path: String, bytesNeeded: Int? = nil) throws(CheckpointError) {
    self.path = path
    let name = path.split(separator: "/").last.map(String.init) ?? path
    // The process number keeps two writers of one name apart; the last to commit wins.
    temporaryPath = FileSystem.parent(of: path) + "/.\(name).writing-\(getpid())"
    file = try OutputFile(path: temporaryPath, bytesNeeded: bytesNeeded)
  }

  deinit {
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Appends bytes.
  ///
  /// - Throws: `CheckpointError.fileSystem`, with `ENOSPC` when the disk is full.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    try file.write(bytes)
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(CheckpointError) {
    try file.write(bytes)
  }

  /// Makes the content durable and gives the file its name. Nothing may be written afterwards.
  ///
  /// - Returns: Length and SHA-256 of the content.
  @discardableResult
  public func commit() throws(CheckpointError) -> FileDigest {
    precondition(!isCommitted, "AtomicFile.commit() is called once")
    let digest = try file.finish()
    try FileSystem.rename(temporaryPath, to: path)
    isCommitted = true
    try FileSystem.synchronize(directory: FileSystem.parent(of: path))
    return digest
  }

  /// Writes a whole file atomically.
  @discardableResult
  public static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) -> FileDigest
  {
    let file = try AtomicFile(path: path, bytesNeeded: bytes.count)
    try file.write(bytes)
    return try file.commit()
  }
}
