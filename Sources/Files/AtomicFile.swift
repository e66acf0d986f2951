import Foundation

/// A file that appears complete, or not at all.
///
/// It is written under a temporary name in the same directory, synchronised, renamed over the final
/// name, and the directory is synchronised in turn: after a crash or a power failure the name shows
/// either the old content or the new, never a part. Unless `commit()` succeeds, the temporary file
/// is removed and the old content stays.
///
/// A file that is replaced keeps its permissions. A symbolic link at the final name is replaced, not
/// followed. What is no file is not replaced: a device, a pipe, a link to one.
public final class AtomicFile {
  /// The final name.
  public let path: String
  private let temporaryPath: String
  private let file: OutputFile
  private var isCommitted = false

  /// Opens the temporary file.
  ///
  /// - Parameter bytesNeeded: What will be written in all, in bytes; only error messages use it.
  /// - Throws: With `EACCES` where the directory is not writable, and what `requirePlace(for:)` throws.
  public init(path: String, bytesNeeded: Int? = nil) throws(FileError) {
    try Self.requirePlace(for: path)
    self.path = path
    let name = FileSystem.name(of: path) ?? path
    // A number of its own keeps writers of one name apart; the last to commit wins.
    var number = UInt64.random(in: 0 ... .max)
    func temporaryPath() -> String {
      FileSystem.parent(of: path) + "/" + Self.temporaryPrefix(of: name) + "\(getpid())-"
        + String(number, radix: 16)
    }
    let mode = FileSystem.permissions(of: path)
    while true {
      do throws(FileError) {
        file = try OutputFile(path: temporaryPath(), mode: mode, bytesNeeded: bytesNeeded)
        break
      } catch {
        guard error.code == EEXIST else { throw error }
        number = UInt64.random(in: 0 ... .max)
      }
    }
    self.temporaryPath = temporaryPath()
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

  /// Refuses a name at which no file can appear: with a slash at its end, that of a device, a pipe, a socket or an
  /// open descriptor, as `/dev/stdout`, which a file would replace, or in a directory that is not there or can not be
  /// written to.
  ///
  /// A caller that computes for long before it writes asks this first.
  ///
  /// - Throws: With `EISDIR` for the slash, `EEXIST` for a device and its like, else with the system's number.
  package static func requirePlace(for path: String) throws(FileError) {
    guard !path.hasSuffix("/") else {
      throw FileError(operation: "create", path: path, code: EISDIR)
    }
    if let present = FileSystem.special(at: path) {
      throw FileError(
        operation: "create", path: path, code: EEXIST,
        explanation: "it is \(present), which a file would replace; name a file")
    }
    let parent = FileSystem.parent(of: path)
    guard access(parent + "/.", W_OK) != 0 else { return }
    let code = errno
    throw FileError(
      operation: "create", path: path, code: code,
      explanation: code == ENOENT
        ? "there is no directory \(parent); make it first, or name another"
        : "\(parent): \(String(cString: strerror(code)))")
  }

  private static func temporaryPrefix(of name: String) -> String { ".\(name).writing-" }

  /// Removes the temporary files that writers have left behind, killed before they were done.
  ///
  /// - Parameters:
  ///   - names: The final names, in `directory`. Nobody is writing them.
  ///   - directory: Need not exist.
  package static func removeLeftovers(
    of names: [String], in directory: String
  ) throws(FileError) {
    for present in try FileSystem.namesIfAny(in: directory) where isLeftover(present, of: names) {
      try FileSystem.removeFile(directory + "/" + present)
    }
  }

  /// Whether a name is that of a temporary file.
  package static func isLeftover(_ name: String, of names: [String]) -> Bool {
    names.contains { name.hasPrefix(temporaryPrefix(of: $0)) }
  }
}
