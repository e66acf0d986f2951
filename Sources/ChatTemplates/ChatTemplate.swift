import Foundation
import LockstepSettings

/// A chat template: how a conversation becomes the text that a model reads, in the part of Jinja that
/// such templates use, with the meaning that `transformers` gives it.
///
///     let template = try ChatTemplate(source, name: "chat_template.jinja")
///     let text = try template.render(messages, addsGenerationPrompt: true)
///
/// What the interpreter does not have is refused when the template is read, by its name and line.
public struct ChatTemplate: Sendable {
  /// What a template is given beside the messages.
  public struct Context: Sendable, Equatable {
    /// Special tokens by what templates call them: `bos_token`, `eos_token`, `pad_token` and so on. Those
    /// that are not among them are not defined.
    public var specialTokens: [String: String]
    /// Today, for templates that write it; nil: they are refused when they ask.
    public var date: TemplateDate?

    public init(specialTokens: [String: String] = [:], date: TemplateDate? = nil) {
      (self.specialTokens, self.date) = (specialTokens, date)
    }
  }

  /// A text that a template made.
  public struct Rendering: Sendable, Equatable {
    public var text: String
    /// Where a model wrote, in bytes: what stands in the template's `{% generation %}` blocks.
    public var generated: [Range<Int>]
  }

  /// The largest template, in bytes.
  public static let mostBytes = 1 << 20

  /// The template's file, or the name of a built-in one.
  public let name: String
  /// Its text.
  public let source: String
  /// Whether it marks what a model writes, by `{% generation %}`.
  public let marksGeneration: Bool
  /// Why it can not be told what all of it marks; nil: it can.
  private let unplacedGeneration: ChatTemplateError?
  private let statements: [TemplateStatement]

  /// Reads a template.
  ///
  /// - Parameters:
  ///   - source: Its text.
  ///   - name: What errors call it.
  /// - Throws: `ChatTemplateError`.
  public init(_ source: String, name: String) throws(ChatTemplateError) {
    self.name = name
    self.source = source
    do throws(TemplateFailure) {
      guard source.utf8.count <= Self.mostBytes else {
        throw TemplateFailure(
          line: 1, kind: .limit, reason: "a template of more than \(Self.mostBytes) bytes")
      }
      var parser = TemplateParser(try TemplateLexer.tokens(of: source))
      statements = try parser.template()
      marksGeneration = parser.hasGeneration
      unplacedGeneration = parser.unplacedGeneration?.error(in: name)
    } catch {
      throw error.error(in: name)
    }
  }

  /// Refuses a template of which a `{% generation %}` makes a value, as within a macro, so that it can not be told
  /// which text of a conversation it marks.
  ///
  /// - Throws: `ChatTemplateError` of the kind `.lacking`.
  public func requireGenerationPlaces() throws(ChatTemplateError) {
    if let unplacedGeneration { throw unplacedGeneration }
  }

  /// Renders a conversation.
  ///
  /// - Parameters:
  ///   - messages: In order.
  ///   - addsGenerationPrompt: Whether the text ends where the next answer begins.
  ///   - context: Names of special tokens, and the date. Default: none.
  /// - Throws: `ChatTemplateError`; `.refused` where the template does not take the conversation.
  public func render(
    _ messages: [ChatMessage], addsGenerationPrompt: Bool, context: Context = Context()
  ) throws(ChatTemplateError) -> Rendering {
    let renderer = TemplateRenderer(date: context.date)
    let outer = TemplateScope(in: nil)
    let scope = TemplateScope(in: outer)
    defer {
      scope.clear()
      outer.clear()
    }
    do {
      for function in TemplateFunction.allCases { outer[function.rawValue] = .function(function) }
      for (name, token) in context.specialTokens { outer[name] = .text(token) }
      outer["messages"] = try renderer.list(messages.map { try renderer.mapping(of: $0) })
      outer["add_generation_prompt"] = .boolean(addsGenerationPrompt)
      outer["tools"] = TemplateValue.none
      outer["documents"] = TemplateValue.none
      _ = try renderer.run(statements, in: scope)
    } catch let failure as TemplateFailure {
      throw failure.error(in: name)
    } catch {
      throw ChatTemplateError(
        template: name, line: renderer.line, kind: .evaluation, reason: "\(error)")
    }
    return Rendering(text: renderer.output, generated: renderer.generated)
  }
}

extension TemplateRenderer {
  fileprivate func mapping(of message: ChatMessage) throws -> TemplateValue {
    var mapping = TemplateMapping()
    try charge(bytes: message.content.utf8.count)
    try set(.text("role"), of: &mapping, to: .text(message.role))
    try set(.text("content"), of: &mapping, to: .text(message.content))
    return .mapping(mapping)
  }
}

extension ChatTemplate {
  private static let closing: [Unicode.Scalar: Unicode.Scalar] = ["<": ">", "[": "]"]

  /// The text that ends an answer: what stands behind its content and is no white space, up to the end of
  /// a name such as `<|im_end|>`.
  ///
  /// - Returns: nil where nothing does, or where the template does not take the conversation.
  /// - Throws: `ChatTemplateError` where the template uses what the interpreter lacks.
  public func ending(context: Context) throws(ChatTemplateError) -> String? {
    let content = "content-of-an-answer"
    let text: String
    do throws(ChatTemplateError) {
      text = try render(
        [
          ChatMessage(role: ChatMessage.user, content: "a"),
          ChatMessage(role: ChatMessage.assistant, content: content),
        ], addsGenerationPrompt: false, context: context
      ).text
    } catch {
      guard error.kind == .refused || error.kind == .evaluation else { throw error }
      return nil
    }
    guard let place = text.range(of: content, options: .backwards) else { return nil }
    let rest = String(text[place.upperBound...]).stripped()
    // Names of tokens are written `<…>` or `[…]`.
    guard let first = rest.unicodeScalars.first, let close = Self.closing[first],
      let end = rest.unicodeScalars.firstIndex(of: close)
    else { return nil }
    return String(rest.unicodeScalars[...end])
  }
}
