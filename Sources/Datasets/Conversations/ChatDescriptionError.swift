import LockstepSettings

/// Why a file beside a model does not tell of its chat template.
public struct ChatDescriptionError: UserInputError, Equatable {
  public let path: String
  public let reason: String

  public var description: String { "\(path): \(reason)" }
}
