import LockstepChatTemplates
import LockstepSettings

/// What can be wrong with conversations.
public enum ConversationError: UserInputError, Equatable {
  /// Lines that are no conversations.
  case violations([ConversationViolation], further: Int)
  /// The files hold not a single conversation.
  case noConversations(paths: [String])
  /// Conversations of more tokens than the context allows.
  case tooLong(path: String, line: Int, count: Int, tokens: Int, context: Int)
  /// Of a token file and the file that says what is learned of it.
  case damaged(path: String, reason: String)
  /// A run's context is shorter than conversations that were prepared for a longer one.
  case longerThanContext(path: String, tokens: Int, context: Int)
  /// No template is known.
  case noTemplate(place: String)
  case unknownTemplate(String)
  case templateNotUTF8(path: String)
  case invalidDate(String)
  case invalidContext(Int)
  /// Nothing is left to learn from.
  case nothingLeft(paths: [String])
  /// A file that is to be read as conversations holds preferences.
  case holdsPreferences(path: String)
  /// A file that is to be read as preferences holds none.
  case holdsNoPreferences(path: String)

  public var description: String {
    switch self {
    case .violations(let violations, let further):
      violations.map(\.description).joined(separator: "\n")
        + (further > 0 ? "\nand \(further) more lines" : "")
    case .noConversations(let paths):
      "\(paths.joined(separator: ", ")): there is no conversation; expected a JSON object a line"
    case .tooLong(let path, let line, let count, let tokens, let context):
      "\(path): line \(line) is a conversation of \(tokens) tokens, and a context of \(context) takes "
        + "\(context + 1) (\(count) such line\(count == 1 ? "" : "s")): raise --context, or say what becomes of "
        + "them with --too-long cut or --too-long drop"
    case .damaged(let path, let reason):
      "\(path): not made by 'lockstep prepare --chat': \(reason)"
    case .longerThanContext(let path, let tokens, let context):
      "\(path): holds a conversation of \(tokens) tokens, but model.context is \(context): raise it, or "
        + "prepare the data with --context \(context)"
    case .noTemplate(let place):
      "\(place) has no chat template: name one with --template, a file or one of "
        + ConversationError.builtIn
    case .unknownTemplate(let name):
      "--template is '\(name)', expected a template's file or one of \(ConversationError.builtIn); there is "
        + "no such file"
    case .templateNotUTF8(let path): "\(path): a chat template that is not UTF-8"
    case .invalidDate(let text): "--date is '\(text)', expected a day such as 2026-11-28"
    case .invalidContext(let context): "--context is \(context), expected at least 1"
    case .nothingLeft(let paths):
      "\(paths.joined(separator: ", ")): no conversation is left to learn from"
    case .holdsPreferences(let path):
      "\(path): was made by 'lockstep prepare --preferences': half of its answers were rejected; learn from "
        + "it with data.format: preferences"
    case .holdsNoPreferences(let path):
      "\(path): holds conversations with one answer each, not preferences: prepare these with 'lockstep "
        + "prepare --preferences'"
    }
  }
}

/// A line that is no conversation.
public struct ConversationViolation: Sendable, Equatable, CustomStringConvertible {
  public var path: String
  /// From 1.
  public var line: Int
  /// Such as "messages[1].content"; empty: the whole line.
  public var key: String
  public var reason: String

  public init(path: String, line: Int, key: String, reason: String) {
    (self.path, self.line, self.key, self.reason) = (path, line, key, reason)
  }

  public var description: String {
    "\(path): line \(line)\(key.isEmpty ? "" : ", \(key)"): \(reason)"
  }
}

/// What is wrong with lines: the first of them are told, of further ones the number.
public struct ConversationViolations: Sendable {
  private static let most = 8

  private var first: [ConversationViolation] = []
  private var count = 0

  public init() {}

  /// - Parameter key: Default: the whole line.
  public mutating func add(_ reason: String, path: String, line: Int, key: String = "") {
    count += 1
    guard first.count < Self.most else { return }
    first.append(ConversationViolation(path: path, line: line, key: key, reason: reason))
  }

  /// - Throws: `ConversationError.violations` where there was one.
  public func requireNone() throws(ConversationError) {
    guard count > 0 else { return }
    throw .violations(first, further: count - first.count)
  }
}

extension ConversationError {
  private static var builtIn: String { ChatTemplate.builtInNames.joined(separator: ", ") }
}
