import LockstepFiles
import LockstepSettings

/// What can be wrong with what was asked to be redacted.
public enum RedactionError: UserInputError, Equatable {
  /// A file can not be read or written.
  case file(FileError)
  /// A list of names is none.
  case names(path: String, line: Int?, reason: String)
  /// A line is not what the format has.
  case malformed(path: String, line: Int, reason: String)
  /// The input is no text that can be redacted.
  case notText(path: String, reason: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .names(let path, let line, let reason):
      "\(path)\(line.map { ":\($0)" } ?? ""): \(reason); expected a name a line, in UTF-8"
    case .malformed(let path, let line, let reason):
      "\(path):\(line): \(reason); correct it, or give --format text, which takes every byte for text"
    case .notText(let path, let reason): "\(path): \(reason)"
    }
  }
}
