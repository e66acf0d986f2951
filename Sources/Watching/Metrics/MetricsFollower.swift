import Foundation
import LockstepFiles

/// Follows a run's `metrics.jsonl` while it grows.
///
/// Half a line waits for its other half. Where the file is another one than before, or shorter (a
/// resumed run removes the steps that it takes again), everything is read anew.
package struct MetricsFollower {
  package let path: String
  package private(set) var metrics = RunMetrics()
  /// Counts how often reading has begun from the start.
  package private(set) var generation = 0
  /// When the file was last written to, in seconds since 1970; nil where there is none.
  package private(set) var lastWritten: Double?

  /// Behind the last whole line that was read.
  private var offset = 0
  private var (device, inode) = (UInt64(0), UInt64(0))
  /// The last bytes that were read: a file that was cut and has grown again has others there.
  private var tail: [UInt8] = []
  private static let tailSize = 256
  /// Bytes that are read at once.
  private let chunk: Int

  /// - Parameter chunk: For tests. Default: 4 MiB.
  package init(path: String, chunk: Int = 4 << 20) {
    self.path = path
    self.chunk = chunk
  }

  /// Reads what is new.
  ///
  /// - Returns: Whether there was anything.
  /// - Throws: `FileError` where a file that is there can not be read.
  @discardableResult
  package mutating func advance() throws(FileError) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      guard errno == ENOENT || errno == ENOTDIR else { throw .last("open", path) }
      lastWritten = nil
      return offset > 0 ? restart() : false
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(operation: "read", path: path, code: EINVAL)
    }
    lastWritten = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
    let size = Int(status.st_size)
    var changed = false
    let isSame = device == UInt64(status.st_dev) && inode == UInt64(status.st_ino)
    if offset > 0 {
      if !isSame || size < offset {
        changed = restart()
      } else if size > offset, try !hasTail(descriptor) {
        changed = restart()
      }
    }
    (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    guard size > offset else { return changed }
    return try read(descriptor) || changed
  }

  private mutating func restart() -> Bool {
    metrics = RunMetrics()
    (offset, tail) = (0, [])
    generation += 1
    return true
  }

  private func hasTail(_ descriptor: Int32) throws(FileError) -> Bool {
    var found = [UInt8](repeating: 0, count: tail.count)
    let count = try fill(&found, tail.count, from: offset - tail.count, descriptor)
    return count == tail.count && found == tail
  }

  /// Reads up to a number of bytes at a place; fewer at the end of the file.
  private func fill(
    _ buffer: inout [UInt8], _ count: Int, from place: Int, _ descriptor: Int32
  ) throws(FileError) -> Int {
    var filled = 0
    while filled < count {
      let read = buffer.withUnsafeMutableBytes {
        let rest = UnsafeMutableRawBufferPointer(rebasing: $0[filled..<count])
        return pread(descriptor, rest.baseAddress, rest.count, off_t(place + filled))
      }
      if read < 0 && errno == EINTR { continue }
      guard read >= 0 else { throw .last("read", path) }
      if read == 0 { break }
      filled += read
    }
    return filled
  }

  /// Takes in all whole lines behind `offset`.
  private mutating func read(_ descriptor: Int32) throws(FileError) -> Bool {
    let start = offset
    var length = chunk
    // One more, so that a byte always follows what is read.
    var buffer = [UInt8](repeating: 0, count: length + 1)
    while true {
      let count = try fill(&buffer, length, from: offset, descriptor)
      let used = buffer.withUnsafeBufferPointer { lines(of: $0, count: count) }
      if used > 0 {
        tail = Array(buffer[max(0, used - Self.tailSize)..<used])
        offset += used
      }
      if count < length { return offset > start }
      if used == 0 {
        // A line that is longer than the buffer.
        length *= 2
        buffer = [UInt8](repeating: 0, count: length + 1)
      }
    }
  }

  /// - Returns: The bytes up to the last line's end.
  private mutating func lines(of bytes: UnsafeBufferPointer<UInt8>, count: Int) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    var start = 0
    while start < count, let found = memchr(base + start, 0x0A, count - start) {
      let end = UnsafeRawPointer(found) - UnsafeRawPointer(base)
      if end > start { metrics.add(bytes, start..<end) }
      start = end + 1
    }
    return start
  }
}
