#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A system call on a file failed.
public struct FileError: Error, CustomStringConvertible, Equatable {
  /// What was tried: "open", "write", "rename", …
  public var operation: String
  /// The file it was tried on.
  public var path: String
  /// The system's error number.
  public var code: Int32

  /// The failure that `errno` tells of.
  static func last(_ operation: String, _ path: String) -> FileError {
    FileError(operation: operation, path: path, code: errno)
  }

  /// The system's words for the error number.
  public var reason: String { String(cString: strerror(code)) }

  public var description: String { "\(path): cannot \(operation): \(reason)" }
}
