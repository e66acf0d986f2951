import Foundation

/// A file that has almost reached the length that its file system allows: more than a few bytes are refused as on a
/// full disk, after those few were written.
public enum FullFile {
  /// Lengthens a file, without taking room on the disk.
  ///
  /// - Parameter room: How many bytes still fit.
  /// - Returns: The file's length.
  public static func fill(_ path: String, leaving room: Int) throws -> Int {
    var (fits, tooLong) = (0, Int.max)
    if truncate(path, off_t(tooLong)) == 0 { fits = tooLong }
    while fits < tooLong - 1 {
      let middle = fits + (tooLong - fits) / 2
      if truncate(path, off_t(middle)) == 0 { fits = middle } else { tooLong = middle }
    }
    try setLength(of: path, to: fits - room)
    return fits - room
  }

  public static func setLength(of path: String, to byteCount: Int) throws {
    guard truncate(path, off_t(byteCount)) == 0 else {
      throw NSError(domain: NSPOSIXErrorDomain, code: Int(errno))
    }
  }

  public static func length(of path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : -1
  }
}
