import LockstepChatTemplates

/// A conversation that waits for an answer.
public struct Question: Sendable, Equatable {
  /// Without the answer.
  public var messages: [ChatMessage]
  /// What someone has answered, to compare with; nil: nothing is known.
  public var reference: String?
  /// Where it stands.
  public var path: String
  /// From 1.
  public var line: Int

  init(_ conversation: Conversation) {
    (messages, path, line) = (conversation.messages, conversation.path, conversation.line)
    if let last = messages.last, last.role == ChatMessage.assistant {
      messages.removeLast()
      reference = last.saysSomething ? last.content : nil
    }
  }

  /// Reads a file of a JSON object a line, as `prepare --chat` takes it; an answer at the end of a
  /// conversation may be missing.
  ///
  /// - Parameter path: "-" is standard input.
  /// - Returns: The questions in the file's order, and what a user should know, one sentence each.
  /// - Throws: `ConversationError`, `PreparationError`.
  public static func read(_ path: String) throws -> (questions: [Question], notes: [String]) {
    var reader = ConversationReader(.question)
    for document in try InputDocument.open([path], redacting: nil).documents {
      reader.read(document.bytes, path: document.name)
    }
    try reader.violations.requireNone()
    guard !reader.conversations.isEmpty else {
      throw ConversationError.noConversations(paths: [path])
    }
    let others = Dictionary(uniqueKeysWithValues: reader.otherKeys.map { ($0.key, $0.count) })
    return (reader.conversations.map(Question.init), ConversationReader.notes(of: others))
  }
}
