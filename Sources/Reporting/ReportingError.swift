import Foundation

/// A report could not be written.
public struct ReportingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried: `open`, `write`, `shorten`.
  public let operation: String
  public let path: String
  /// The system's `errno`.
  public let code: Int32

  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  public var description: String {
    "\(path): cannot \(operation): \(String(cString: strerror(code)))"
  }

  /// The error of a system call that just failed.
  static func system(_ operation: String, _ path: String) -> ReportingError {
    ReportingError(operation: operation, path: path, code: errno)
  }
}
