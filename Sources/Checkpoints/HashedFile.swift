import Crypto
import LockstepFiles

/// Length and SHA-256 of a file's content.
public struct FileDigest: Equatable, Sendable {
  /// Length in bytes.
  public let byteCount: Int
  /// SHA-256 in lower-case hexadecimal, 64 digits.
  public let sha256: String
}

/// A file being written from its start, hashed on the way: the bytes go through the processor's
/// caches once for the hash and the copy to the kernel.
final class HashedFile {
  private let file: OutputFile
  private var byteCount = 0
  private var hash = SHA256()

  /// Bytes hashed and handed to the kernel at a time: fits the second-level cache.
  private static let chunkByteCount = 256 * 1024

  /// Creates the file, where nothing is yet.
  ///
  /// - Parameter bytesNeeded: What the caller is about to write in all, in bytes, for errors.
  init(path: String, bytesNeeded: Int? = nil) throws(FileError) {
    file = try OutputFile(path: path, bytesNeeded: bytesNeeded)
  }

  /// Appends bytes.
  ///
  /// - Throws: With `ENOSPC` when the disk is full.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var start = 0
    while start < bytes.count {
      let end = min(start + Self.chunkByteCount, bytes.count)
      let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      hash.update(bufferPointer: chunk)
      try file.write(chunk)
      start = end
    }
    byteCount += bytes.count
  }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.lent { (bytes) throws(FileError) in try write(bytes) }
  }

  /// Waits until the disk has everything, then closes the file.
  func finish() throws(FileError) -> FileDigest {
    try file.finish()
    return FileDigest(byteCount: byteCount, sha256: hash.finalize().hexadecimal)
  }
}
