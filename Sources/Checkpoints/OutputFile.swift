import Crypto
import Foundation

/// Length and SHA-256 of a file's content.
public struct FileDigest: Equatable, Sendable {
  /// Length in bytes.
  public let byteCount: Int
  /// SHA-256 in lower-case hexadecimal, 64 digits.
  public let sha256: String
}

/// A file being written from its start, hashed on the way: the bytes go through the processor's
/// caches once for the hash and the copy to the kernel.
package final class OutputFile {
  package let path: String
  private let bytesNeeded: Int?
  private var descriptor: Int32
  private var byteCount = 0
  private var hash = SHA256()

  /// Bytes hashed and handed to the kernel at a time: fits the second-level cache.
  private static let chunkByteCount = 256 * 1024

  /// Creates the file, or empties it where it exists.
  ///
  /// - Parameter bytesNeeded: What the caller is about to write in all, in bytes, for errors.
  /// - Throws: `CheckpointError.fileSystem`.
  package init(path: String, bytesNeeded: Int? = nil) throws(CheckpointError) {
    self.path = path
    self.bytesNeeded = bytesNeeded
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system("create", path, bytesNeeded: bytesNeeded) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends bytes.
  ///
  /// - Throws: `CheckpointError.fileSystem`, with `ENOSPC` when the disk is full.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var start = 0
    while start < bytes.count {
      let end = min(start + Self.chunkByteCount, bytes.count)
      let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      hash.update(bufferPointer: chunk)
      try writeAll(chunk)
      start = end
    }
    byteCount += bytes.count
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(CheckpointError) {
    // `withUnsafeBytes` rethrows untyped errors, hence the detour through Result.
    let outcome = bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in try self.write(buffer) }
    }
    try outcome.get()
  }

  /// Waits until the disk has everything, then closes the file.
  package func finish() throws(CheckpointError) -> FileDigest {
    guard fsync(descriptor) == 0 else {
      throw .system("synchronise", path, bytesNeeded: bytesNeeded)
    }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw .system("close", path, bytesNeeded: bytesNeeded) }
    return FileDigest(byteCount: byteCount, sha256: hash.finalize().hexadecimal)
  }

  private func writeAll(_ chunk: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = chunk
    while !rest.isEmpty {
      let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw .system("write", path, bytesNeeded: bytesNeeded)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}

extension Sequence where Element == UInt8 {
  /// Two lower-case hexadecimal digits a byte.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in self {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
