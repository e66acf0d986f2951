import LockstepSettings

/// Why a chat template can not be read, or gives no text.
public struct ChatTemplateError: UserInputError, Equatable {
  public enum Kind: Sendable, Equatable {
    /// What is written is no template.
    case syntax
    /// A template may have it, but Lockstep's interpreter does not.
    case lacking
    /// The template refuses the conversation: it called `raise_exception`.
    case refused
    /// Something can not be computed, as the sum of a number and a text.
    case evaluation
    /// The template takes more steps, text or depth than any conversation needs.
    case limit
  }

  /// The template's file, or the name of a built-in one.
  public let template: String
  /// From 1.
  public let line: Int
  public let kind: Kind
  public let reason: String

  public init(template: String, line: Int, kind: Kind, reason: String) {
    self.template = template
    self.line = line
    self.kind = kind
    self.reason = reason
  }

  /// Whether the fault is the conversation's: what the template lacks, or is, is not.
  public var isOfConversation: Bool { kind == .refused || kind == .evaluation }

  public var description: String {
    let place = "\(template): line \(line)"
    return switch kind {
    case .syntax: "\(place): not a template: \(reason)"
    case .lacking:
      "\(place): uses \(reason), which Lockstep's templates do not have; write the template without it, "
        + "or choose a built-in one: \(ChatTemplate.builtInNames.joined(separator: ", "))"
    case .refused: "\(place): the template refuses the conversation: \(reason)"
    case .evaluation: "\(place): \(reason)"
    case .limit: "\(place): \(reason): no conversation needs that"
    }
  }
}

/// What is wrong, before it is known in which template.
struct TemplateFailure: Error {
  var line: Int
  var kind: ChatTemplateError.Kind
  var reason: String

  func error(in template: String) -> ChatTemplateError {
    ChatTemplateError(template: template, line: line, kind: kind, reason: reason)
  }
}
