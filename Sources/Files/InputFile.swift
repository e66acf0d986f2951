import Foundation

/// A file that is read in parts, from any thread, into memory of the caller: for what is read once, and
/// may change its length under the reader.
package final class InputFile: Sendable {
  package let path: String
  private let descriptor: Int32

  /// Opens a file.
  package init(path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last("open", path) }
  }

  deinit { close(descriptor) }

  /// Fills a buffer with the bytes from a place on.
  ///
  /// - Parameter offset: Bytes from the file's start.
  /// - Returns: How many there were: fewer than the buffer holds where the file ends.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .last("read", path) }
      if count == 0 { break }
      filled += count
    }
    return filled
  }
}
