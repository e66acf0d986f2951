#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that appears under its name when it is complete, or not at all.
///
/// Bytes go to a temporary file in the same directory; ``commit()`` syncs and renames it. A file
/// that is never committed is removed with the object.
final class AtomicFile {
  /// The name under which the file appears.
  let path: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// - Throws: `FileError` if the directory cannot be written to.
  init(path: String) throws(FileError) {
    self.path = path
    temporaryPath = path + ".\(getpid()).partial"
    descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw FileError.last("write", path) }
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporaryPath)
    }
  }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try Self.write(bytes, to: descriptor, path: path)
  }

  /// Replaces bytes at the beginning of the file.
  func rewrite(_ bytes: [UInt8]) throws(FileError) {
    if lseek(descriptor, 0, SEEK_SET) != 0 { throw FileError.last("write", path) }
    try write(bytes)
    if lseek(descriptor, 0, SEEK_END) < 0 { throw FileError.last("write", path) }
  }

  /// Makes the file appear under its name, replacing one that was there.
  ///
  /// - Throws: `FileError`; then the old file, if any, is as it was.
  func commit() throws(FileError) {
    if fsync(descriptor) != 0 { throw FileError.last("write", path) }
    if rename(temporaryPath, path) != 0 { throw FileError.last("write", path) }
    close(descriptor)
    descriptor = -1
    // The rename itself reaches the disk with the directory.
    let directory = open(Self.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory < 0 { throw FileError.last("sync the directory of", path) }
    defer { close(directory) }
    if fsync(directory) != 0 && errno != EINVAL {
      throw FileError.last("sync the directory of", path)
    }
  }

  /// Whether a file's name is that of a temporary file whose process, on this host, is no more.
  static func isLeftover(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    guard parts.count >= 3, parts.last == "partial", let process = Int32(parts[parts.count - 2])
    else { return false }
    return process > 0 && kill(process, 0) != 0 && errno == ESRCH
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Writes all bytes to a descriptor.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
      #if canImport(Glibc)
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, rest.baseAddress, rest.count)
      #else
        let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
      #endif
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw FileError.last("write", path) }
      written += count
    }
  }
}
