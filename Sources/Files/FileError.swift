import Foundation

/// A system call on a file failed.
public struct FileError: Error, CustomStringConvertible, Equatable, Sendable {
  /// What was tried: "open", "write", "create directory", …
  public let operation: String
  /// The file it was tried on.
  public let path: String
  /// The system's error number.
  public let code: Int32
  /// Of a write: the bytes that were to be written in all; nil where that is not known.
  public let bytesNeeded: Int?
  /// What is wrong with the content, where it is not the system that refused; nil: the system's words
  /// for the number say all.
  public let explanation: String?

  package init(
    operation: String, path: String, code: Int32, bytesNeeded: Int? = nil,
    explanation: String? = nil
  ) {
    self.operation = operation
    self.path = path
    self.code = code
    self.bytesNeeded = bytesNeeded
    self.explanation = explanation
  }

  /// The failure that `errno` tells of.
  package static func last(
    _ operation: String, _ path: String, bytesNeeded: Int? = nil
  ) -> FileError {
    FileError(operation: operation, path: path, code: errno, bytesNeeded: bytesNeeded)
  }

  /// The explanation, or the system's words for the error number.
  public var reason: String { explanation ?? String(cString: strerror(code)) }

  public var description: String {
    let sentence = "\(path): cannot \(operation): \(reason)"
    guard let bytesNeeded, [ENOSPC, EDQUOT, EFBIG].contains(code) else { return sentence }
    let free = FileSystem.freeBytes(near: path).map { ", \($0) bytes are free" } ?? ""
    return sentence + " (\(bytesNeeded) bytes needed\(free))"
  }
}
