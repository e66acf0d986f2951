/// What someone says in a conversation.
public struct ChatMessage: Sendable, Equatable {
  /// "system", "user", "assistant", or what else a template knows.
  public var role: String
  public var content: String

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }

  public static let (system, user, assistant) = ("system", "user", "assistant")
}
