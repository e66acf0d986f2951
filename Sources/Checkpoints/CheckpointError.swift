import LockstepFiles

/// Whatever can go wrong between a checkpoint and the disk.
public enum CheckpointError: Error, Equatable, Sendable {
  /// The operating system refused. Where something was being written, `bytesNeeded` is the size of the
  /// whole checkpoint.
  case fileSystem(FileError)
  /// The file's content breaks its format. `offset` counts bytes from the file's start.
  case malformed(path: String, offset: Int, tensor: String?, problem: String)
  /// The file holds no tensor of that name.
  case tensorMissing(path: String, tensor: String)
  /// The tensor is there, with another shape than asked for.
  case wrongShape(path: String, tensor: String, expected: [Int], found: [Int])
  /// The tensor's elements cannot be read as `Float`; `elementType` is its safetensors name.
  case unreadableElements(path: String, tensor: String, elementType: String)
  /// A file of a checkpoint has another length, in bytes, than its manifest says.
  case wrongSize(path: String, expected: Int, found: Int)
  /// A file of a checkpoint has another SHA-256 than its manifest says.
  case wrongHash(path: String, expected: String, found: String)
  /// A checkpoint was written by a version of Lockstep whose format this one does not know.
  case unsupportedVersion(path: String, found: Int, supported: Int)
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
    case .malformed(let path, let offset, let tensor, let problem):
      let place = tensor.map { "tensor '\($0)', " } ?? ""
      return "\(path): \(place)byte \(offset): \(problem)"
    case .tensorMissing(let path, let tensor):
      return "\(path): holds no tensor '\(tensor)'"
    case .wrongShape(let path, let tensor, let expected, let found):
      return "\(path): tensor '\(tensor)' has shape \(found), expected \(expected)"
    case .unreadableElements(let path, let tensor, let elementType):
      return "\(path): tensor '\(tensor)' holds \(elementType), expected F32, F16 or BF16"
    case .wrongSize(let path, let expected, let found):
      return "\(path): has \(found) bytes, its manifest says \(expected)"
    case .wrongHash(let path, let expected, let found):
      return "\(path): has SHA-256 \(found), its manifest says \(expected)"
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
