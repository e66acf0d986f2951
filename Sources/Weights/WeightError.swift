import LockstepFiles
import LockstepSettings

/// Why a model's tensors can not be read.
public enum WeightError: UserInputError, Equatable {
  /// The operating system refused.
  case fileSystem(FileError)
  /// The file's content breaks its format. `offset` counts bytes from the file's start.
  case malformed(path: String, offset: Int, tensor: String?, problem: String)
  /// The file holds no tensor of that name.
  case tensorMissing(path: String, tensor: String)
  /// The tensor is there, with another shape than asked for.
  case wrongShape(path: String, tensor: String, expected: [Int], found: [Int])
  /// The tensor's elements cannot be read as `Float`; `elementType` is what the format calls them, and
  /// `readable` what it calls those that can.
  case unreadableElements(path: String, tensor: String, elementType: String, readable: [String])
  /// A tensor to be written holds a number that the type of the file does not have.
  case notStorable(tensor: String, value: Float, type: String)
  /// The directory holds no weights in a format that is known; `found` are names that look like such.
  case noWeights(directory: String, found: [String])
  /// The list of shards and the shards contradict each other.
  case wrongIndex(path: String, problem: String)
  /// Tensors and parameters do not belong together.
  case unfit(path: String, WeightMismatch)
  /// The model's parameters take more bytes than the host can give; `available` is nil where it does not say.
  case noMemory(path: String, bytes: Int, available: Int?)
  /// Two tensors of the source that stand for one parameter have different elements.
  case contradiction(path: String, parameter: String, tensors: [String])

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
    case .unreadableElements(let path, let tensor, let elementType, let readable):
      let expected = [readable.dropLast().joined(separator: ", "), readable.last ?? ""]
      return "\(path): tensor '\(tensor)' holds \(elementType), expected "
        + expected.joined(separator: " or ")
    case .notStorable(let tensor, let value, let type):
      return "tensor '\(tensor)' holds \(value), which \(type) does not have"
    case .noWeights(let directory, let found):
      let expected = WeightFormat.all.map(\.fileName).joined(separator: " or ")
      let others = found.isEmpty ? "no weights" : found.joined(separator: ", ")
      return "\(directory): found \(others), expected \(expected)"
    case .wrongIndex(let path, let problem):
      return "\(path): \(problem)"
    case .unfit(let path, let mismatch):
      return "\(path): does not fit the model: \(mismatch)"
    case .noMemory(let path, let bytes, let available):
      let there = available.map { ", and \($0) are available" } ?? ""
      return "\(path): the model's parameters take \(bytes) bytes of memory as float32\(there); "
        + "end other programs, or take a smaller model or a machine with more memory"
    case .contradiction(let path, let parameter, let tensors):
      return "\(path): \(tensors.map { "'\($0)'" }.joined(separator: " and ")) differ, but the "
        + "model has one parameter for them, '\(parameter)'"
    }
  }
}

/// Runs what works on files; what the operating system refuses becomes `WeightError.fileSystem`.
func onDisk<Result>(_ body: () throws(FileError) -> Result) throws(WeightError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw .fileSystem(error)
  }
}
