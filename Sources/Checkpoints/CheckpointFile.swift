import LockstepFiles
import LockstepParallelism

/// A file of a checkpoint being written from its start: hashed as it is stored, and encrypted before where
/// that is wanted.
final class CheckpointFile {
  private let file: HashedFile
  /// Nil: the file stays plain.
  private var encryption: (any ContentEncryption)?

  /// Bytes that are encrypted at a time.
  private static let pieceByteCount = 4 << 20

  /// Creates the file, where nothing is yet.
  ///
  /// - Parameters:
  ///   - contentByteCount: What will be written to it, in bytes.
  ///   - encrypts: Whether it is encrypted, with the process's key.
  ///   - bytesNeeded: What the caller is about to write to all files, in bytes, for errors.
  ///   - hashesWhole: Whether the manifest gets the hash of the whole, too, of a file of any length. Default:
  ///     false.
  ///   - threads: Share the hashing.
  init(
    name: String, in directory: String, contentByteCount: Int, encrypts: Bool, bytesNeeded: Int,
    hashesWhole: Bool = false, threads: ThreadPool
  ) throws(FileError) {
    encryption =
      try encrypts
      ? EncryptedFiles.encryption(ofByteCount: contentByteCount, path: directory + "/" + name)
      : nil
    file = try HashedFile(
      name: name, in: directory, bytesNeeded: bytesNeeded, hashesWhole: hashesWhole,
      threads: threads)
  }

  /// Appends bytes that lie in several places.
  ///
  /// - Parameter meanwhile: Something else for one of the threads to do. Default: nothing.
  /// - Throws: With `ENOSPC` when the disk is full.
  func write(
    _ parts: [UnsafeRawBufferPointer], meanwhile: (() -> Void)? = nil
  ) throws(FileError) {
    guard encryption != nil else { return try file.write(parts, meanwhile: meanwhile) }
    meanwhile?()
    for part in parts {
      for start in stride(from: 0, to: part.count, by: Self.pieceByteCount) {
        let end = min(start + Self.pieceByteCount, part.count)
        let piece = UnsafeRawBufferPointer(rebasing: part[start..<end])
        if let bytes = encryption?.append(piece) { try file.write(bytes) }
      }
    }
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try write([bytes]) }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent { (bytes) throws(FileError) in try write(bytes) }
  }

  /// Writes what is left, waits until the disk has everything, then closes the file.
  ///
  /// - Returns: What the manifest says of it.
  func finish() throws(FileError) -> Manifest.File {
    if let rest = encryption?.finish() { try file.write(rest) }
    return try file.finish()
  }
}
