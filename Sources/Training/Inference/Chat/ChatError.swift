import LockstepSettings

/// Why a model can not answer.
public enum ChatError: UserInputError, Equatable {
  /// A message that alone fills the model's context.
  case tooLong(tokens: Int, context: Int)
  /// The template makes no text of the conversation.
  case nothingToRead(template: String)

  public var description: String {
    switch self {
    case .tooLong(let tokens, let context):
      "the message, with the system's, has \(tokens) tokens, and the model's context is \(context): "
        + "shorten it"
    case .nothingToRead(let template): "\(template): makes no text of the conversation"
    }
  }
}
