import CLockstepHost
import Foundation

/// A file being written from its start.
package final class OutputFile {
  package let path: String
  private let bytesNeeded: Int?
  private var descriptor: Int32

  /// Creates the file.
  ///
  /// - Parameters:
  ///   - path: Where nothing is, not even a link: what someone else has put there is not written to.
  ///   - mode: Its permissions; nil: those of a new file.
  ///   - bytesNeeded: What the caller is about to write in all, in bytes, for errors.
  /// - Throws: With `EEXIST` where something is.
  package init(path: String, mode: mode_t? = nil, bytesNeeded: Int? = nil) throws(FileError) {
    self.path = path
    self.bytesNeeded = bytesNeeded
    descriptor = open(
      path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode ?? 0o666)
    guard descriptor >= 0 else { throw .last("create", path, bytesNeeded: bytesNeeded) }
    // The process's mask has taken some of them away. Who may write the file can change its mode, but
    // for file systems that have none.
    if let mode { fchmod(descriptor, mode) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends bytes.
  ///
  /// - Throws: With `ENOSPC` when the disk is full.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try Self.write(bytes, to: descriptor, path: path, bytesNeeded: bytesNeeded)
  }

  /// Writes bytes at a place of their own, from any thread.
  ///
  /// - Parameter offset: Bytes from the file's start.
  /// - Throws: With `ENOSPC` when the disk is full.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let start = off_t(offset + bytes.count - rest.count)
      let written = pwrite(descriptor, rest.baseAddress, rest.count, start)
      if written < 0 {
        if errno == EINTR { continue }
        throw .last("write", path, bytesNeeded: bytesNeeded)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Lets the disk begin with bytes that were written, instead of when all are there. Advice only: what it
  /// does not take up, `finish` waits for.
  package func beginStoring(_ range: Range<Int>) {
    CHost_beginWriting(descriptor, Int64(range.lowerBound), Int64(range.count))
  }

  /// Replaces bytes at the beginning of the file.
  package func rewrite(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw .last("write", path) }
    try write(bytes)
    guard lseek(descriptor, 0, SEEK_END) >= 0 else { throw .last("write", path) }
  }

  /// Waits until the disk has everything, then closes the file.
  package func finish() throws(FileError) {
    guard fsync(descriptor) == 0 else {
      throw .last("synchronise", path, bytesNeeded: bytesNeeded)
    }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw .last("close", path, bytesNeeded: bytesNeeded) }
  }

  /// Writes all bytes to a descriptor.
  ///
  /// - Parameters:
  ///   - path: What errors call it.
  ///   - bytesNeeded: For errors. Default: not known.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String, bytesNeeded: Int? = nil
  ) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw .last("write", path, bytesNeeded: bytesNeeded)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}

extension [UInt8] {
  /// Lends the bytes to what throws `FileError`.
  package func lent<Result>(
    to body: (UnsafeRawBufferPointer) throws(FileError) -> Result
  ) throws(FileError) -> Result {
    try withUnsafeBufferPointer { (buffer) throws(FileError) in
      try body(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Lends the bytes, to be filled, to what throws `FileError`.
  package mutating func lentForFilling<Result>(
    to body: (UnsafeMutableRawBufferPointer) throws(FileError) -> Result
  ) throws(FileError) -> Result {
    try withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
      try body(UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
