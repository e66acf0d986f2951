import LockstepChatTemplates

/// One conversation of a data set, which ends with an answer.
public struct Conversation: Sendable, Equatable {
  public var messages: [ChatMessage]
  /// Where it stands.
  public var path: String
  /// From 1.
  public var line: Int

  public init(messages: [ChatMessage], path: String = "", line: Int = 1) {
    (self.messages, self.path, self.line) = (messages, path, line)
  }
}

extension ChatMessage {
  /// Whether there is more than white space.
  var saysSomething: Bool { content.unicodeScalars.contains { !$0.properties.isWhitespace } }
}
