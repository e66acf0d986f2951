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
  /// - Throws: With `EACCES` where the directory is not writable.
  public init(path: String, bytesNeeded: Int? = nil) throws(FileError) {
    self.path = path
    let name = path.split(separator: "/").last.map(String.init) ?? path
    // The process number keeps two writers of one name apart; the last to commit wins.
    temporaryPath =
      FileSystem.parent(of: path) + "/" + Self.temporaryPrefix(of: name) + "\(getpid())"
    file = try OutputFile(path: temporaryPath, bytesNeeded: bytesNeeded)
  }

  deinit {
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Appends bytes.
  ///
  /// - Throws: With `ENOSPC` when the disk is full.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try file.write(bytes)
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent(to: file.write)
  }

  /// Replaces bytes at the beginning of the file.
  public func rewrite(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent(to: file.rewrite)
  }

  /// Makes the content durable and gives the file its name. Nothing may be written afterwards.
  public func commit() throws(FileError) {
    precondition(!isCommitted, "AtomicFile.commit() is called once")
    try file.finish()
    try FileSystem.rename(temporaryPath, to: path)
    isCommitted = true
    try FileSystem.synchronize(directory: FileSystem.parent(of: path))
  }

  /// Writes a whole file atomically.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    let file = try AtomicFile(path: path, bytesNeeded: bytes.count)
    try file.write(bytes)
    try file.commit()
  }

  private static func temporaryPrefix(of name: String) -> String { ".\(name).writing-" }

  /// Removes the temporary files that processes of this host that are no more have left behind.
  ///
  /// - Parameter names: The final names, in `directory`.
  package static func removeLeftovers(of names: [String], in directory: String) {
    for present in (try? FileSystem.names(in: directory)) ?? [] {
      for prefix in names.map(temporaryPrefix) where present.hasPrefix(prefix) {
        guard let process = Int32(present.dropFirst(prefix.count)), process > 0,
          kill(process, 0) != 0, errno == ESRCH
        else { continue }
        unlink(directory + "/" + present)
      }
    }
  }
}
