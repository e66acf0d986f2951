import LockstepChatTemplates
import LockstepFiles

extension ChatTemplate {
  /// The template that a user names, or else the model's.
  ///
  /// - Parameters:
  ///   - name: A built-in one's name, or a file; nil: the model's.
  ///   - chat: What the model's files say.
  ///   - place: The model, for errors.
  /// - Throws: `ConversationError` where there is none, or it is not UTF-8; `ChatTemplateError`, `FileError`.
  public static func chosen(
    _ name: String?, of chat: ChatDescription, place: String
  ) throws -> ChatTemplate {
    guard let name else {
      guard let own = chat.template else { throw ConversationError.noTemplate(place: place) }
      return try ChatTemplate(own, name: chat.templatePath)
    }
    if let builtIn = try ChatTemplate.builtIn(name) { return builtIn }
    guard try FileSystem.exists(name) else { throw ConversationError.unknownTemplate(name) }
    let bytes = try FileContents.read(name, limit: ChatTemplate.mostBytes)
    guard let source = String(validating: bytes, as: UTF8.self) else {
      throw ConversationError.templateNotUTF8(path: name)
    }
    return try ChatTemplate(source, name: name)
  }
}
