import Foundation
import LockstepFiles

/// Whatever can go wrong between a checkpoint and the disk.
public enum CheckpointError: Error, Equatable, Sendable {
  /// The operating system refused. Where something was being written, `bytesNeeded` is the size of the
  /// whole checkpoint.
  case fileSystem(FileError)
  /// The file's content breaks its format.
  case malformed(path: String, problem: String)
  /// A file of a checkpoint has another length, in bytes, than its manifest says.
  case wrongSize(path: String, expected: Int, found: Int)
  /// A file of a checkpoint has another SHA-256 than its manifest says.
  case wrongHash(path: String, expected: String, found: String)
  /// A part of a file has another hash than the manifest says: where it lies in the file, in bytes.
  case wrongChunk(path: String, bytes: Range<Int>, expected: String, found: String)
  /// A checkpoint was written by a version of Lockstep whose format this one does not know.
  case unsupportedVersion(path: String, found: Int, supported: Int)
}

extension CheckpointError {
  /// Whether the checkpoint's files are at fault: missing, cut short, changed.
  ///
  /// Otherwise it may well be whole, and only this process can not read it: for lack of permission, for
  /// a disk that does not answer, or because a later Lockstep wrote it.
  public var isDamage: Bool {
    switch self {
    // EBADMSG: an encrypted file that was changed.
    case .fileSystem(let error): [ENOENT, ENOTDIR, EBADMSG].contains(error.code)
    case .malformed, .wrongSize, .wrongHash, .wrongChunk: true
    case .unsupportedVersion: false
    }
  }

  /// What is to be said of a checkpoint that this befalls: "is not complete".
  public var verdict: String {
    switch self {
    case .unsupportedVersion: "is of a later format"
    default: isDamage ? "is not complete" : "can not be read"
    }
  }
}

/// Runs what works on files; what the operating system refuses becomes `CheckpointError.fileSystem`.
func onDisk<Result>(
  _ body: () throws(FileError) -> Result
) throws(CheckpointError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw .fileSystem(error)
  }
}

extension CheckpointError: CustomStringConvertible {
  /// One sentence for the user: which file, where in it, what was expected and what was found.
  public var description: String {
    switch self {
    case .fileSystem(let error):
      return error.description
    case .malformed(let path, let problem):
      return "\(path): \(problem)"
    case .wrongSize(let path, let expected, let found):
      return "\(path): has \(found) bytes, its manifest says \(expected)"
    case .wrongHash(let path, let expected, let found):
      return "\(path): has SHA-256 \(found), its manifest says \(expected)"
    case .wrongChunk(let path, let bytes, let expected, let found):
      return
        "\(path): bytes \(bytes.lowerBound) to \(bytes.upperBound - 1) have the hash \(found), "
        + "its manifest says \(expected)"
    case .unsupportedVersion(let path, let found, let supported):
      return "\(path): has format version \(found), this Lockstep reads up to \(supported)"
    }
  }
}

extension MappedFile {
  /// - Throws: `CheckpointError.fileSystem`.
  static func opened(_ path: String) throws(CheckpointError) -> MappedFile {
    try onDisk { () throws(FileError) in try MappedFile(path: path) }
  }
}
