import Foundation

/// A file that grows by whole records: lines, say, which others read while it grows.
///
/// Each record reaches the kernel as soon as it is appended. Of one that could not be written whole nothing
/// stays, and nothing is written behind it: a reader finds whole records only, and none is missing among them.
package final class RecordFile {
  package let path: String
  private let descriptor: Int32
  /// Why nothing more is written; nil: nothing has failed.
  private var failure: FileError?

  /// Opens a file for appending.
  ///
  /// - Parameters:
  ///   - path: Created where nothing is.
  ///   - flags: Further ones of `open(2)`, as `O_TRUNC` or `O_EXCL`. Default: none.
  /// - Throws: `FileError`, of the operation "create" with `O_EXCL`.
  package init(path: String, flags: Int32 = 0) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0o666)
    guard descriptor >= 0 else { throw .last(flags & O_EXCL == 0 ? "open" : "create", path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends a record.
  ///
  /// - Throws: With `ENOSPC` when the disk is full; after a failure the same error again, and nothing is
  ///   written.
  package func append(_ record: [UInt8]) throws(FileError) {
    if let failure { throw failure }
    do throws(FileError) {
      let start = try byteCount
      do throws(FileError) {
        try record.lent { (bytes) throws(FileError) in
          try OutputFile.write(bytes, to: descriptor, path: path)
        }
      } catch {
        // Where that fails, too, a part of the record stays at the end, as after a kill.
        ftruncate(descriptor, start)
        throw error
      }
    } catch {
      failure = error
      throw error
    }
  }

  /// Removes all behind a place, in bytes from the file's start.
  package func shorten(to byteCount: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw .last("shorten", path) }
  }

  private var byteCount: off_t {
    get throws(FileError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .last("examine", path) }
      return status.st_size
    }
  }
}
