import Crypto
import LockstepFiles

/// SHA-256 of contents, in hexadecimal.
enum FileHash {
  /// The hash of bytes in memory.
  static func sha256(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bufferPointer: bytes)
    return hash.finalize().hexadecimal
  }

  /// The hash of a file.
  ///
  /// - Throws: `FileError` if it cannot be read.
  static func sha256(ofFile path: String) throws(FileError) -> String {
    try MappedFile(path: path).withBytes { sha256(of: $0) }
  }
}
